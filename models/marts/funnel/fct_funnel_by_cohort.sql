-- Cohorts: how far those came who got their first mail in the same week, by campaign.
with

member_stages as (
    select
        *,
        cast(date_trunc('week', first_sent_at) as date) as cohort_starts_on
    from {{ ref('int_funnel__member_stages') }}
    where is_ai_outreach and first_sent_at is not null
),

counted as (
    {{ funnel_counts('member_stages', ['org', 'campaign_id', 'cohort_starts_on']) }}
),

with_rates as (
    {{ funnel_rates('counted') }}
)

select * from with_rates
