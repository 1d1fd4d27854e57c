with

member_stages as (
    select * from {{ ref('int_funnel__member_stages') }}
),

counted as (
    {{ funnel_counts('member_stages', ['org', 'campaign_id', 'campaign_name', 'campaign_status', 'is_ai_outreach']) }}
),

with_rates as (
    {{ funnel_rates('counted') }}
)

select * from with_rates
