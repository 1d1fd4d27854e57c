-- The spine holds exactly the members that Salesforce has. A failure means that a join lost or doubled members: fix
-- int_audience__members before anybody reads the marts. Acts: analytics engineering.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
),

salesforce_members as (
    select stg_members.*
    from {{ ref('stg_salesforce__campaign_members') }} as stg_members
    inner join {{ ref('stg_salesforce__campaigns') }} as stg_campaigns
        on
            stg_members.org = stg_campaigns.org
            and stg_members.campaign_id = stg_campaigns.campaign_id
    where not stg_members.is_deleted and not stg_campaigns.is_deleted
)

select
    members.campaign_member_id as member_in_mart,
    salesforce_members.campaign_member_id as member_in_salesforce
from members
full outer join salesforce_members
    on
        members.org = salesforce_members.org
        and members.campaign_member_id = salesforce_members.campaign_member_id
where members.campaign_member_id is null or salesforce_members.campaign_member_id is null
