-- Every campaign that Salesforce has, also without members: nobody looks for a row that is not there.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where not is_deleted
),

member_stages as (
    select * from {{ ref('int_funnel__member_stages') }}
),

counted as (
    {{ funnel_counts('member_stages', ['org', 'campaign_id']) }}
),

with_campaigns as (
    select
        campaigns.org,
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.campaign_status,
        campaigns.gbu,
        coalesce(campaigns.is_ai_outreach, false) as is_ai_outreach,
        counted.members_opened,
        {%- for stage in funnel_stages() if stage != 'opened' %}
            coalesce(counted.members_{{ stage }}, 0) as members_{{ stage }},
        {%- endfor %}
        coalesce(counted.members_hard_bounced, 0) as members_hard_bounced,
        coalesce(counted.members_hard_bounced_in_smartlead, 0) as members_hard_bounced_in_smartlead,
        coalesce(counted.members_replied_only_in_salesforce, 0) as members_replied_only_in_salesforce
    from campaigns
    left join counted
        on
            campaigns.org = counted.org
            and campaigns.campaign_id = counted.campaign_id
),

with_rates as (
    {{ funnel_rates('with_campaigns') }}
)

select * from with_rates
