-- R5: whatever was matched is a member of an AI campaign that Salesforce has today. A failure means that a key check is
-- missing in int_audience__key_checks. Acts: analytics engineering; nothing may be published.
with

matched as (
    select
        org,
        campaign_id,
        campaign_member_id
    from {{ ref('int_audience__key_checks') }}
    where unmatched_reason is null
),

members as (
    select * from {{ ref('dim_campaign_members') }}
    where is_ai_outreach and lead_id is not null
)

select matched.*
from matched
left join members
    on
        matched.org = members.org
        and matched.campaign_member_id = members.campaign_member_id
        and matched.campaign_id = members.campaign_id
where members.campaign_member_id is null
