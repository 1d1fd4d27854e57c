-- The funnel of AI outreach for every combination of campaign, GBU, ICP tier and week of the first mail, and for every
-- roll-up of them ('all'). A dashboard looks its filters up here. Nobody can add these rows up: whoever is in two
-- campaigns is one person in their roll-up.
with

member_stages as (
    select
        org,
        campaign_id,
        coalesce(gbu, 'unknown') as gbu,
        icp_tier,
        coalesce({{ week_text('first_sent_at') }}, 'none') as cohort,
        person_id,
        has_other_memberships,
        stage_number,
        is_open_tracked,
        is_hard_bounced,
        is_hard_bounced_in_smartlead,
        has_replied_only_in_salesforce
    from {{ ref('int_funnel__member_stages') }}
    where is_ai_outreach
),

counted as (
    {{ funnel_counts(
        'member_stages', ['org', 'campaign_id', 'gbu', 'icp_tier', 'cohort'],
        roll_ups='rollup(org, campaign_id), cube(gbu, icp_tier, cohort)'
    ) }}
),

with_rates as (
    {{ funnel_rates('counted') }}
)

select * from with_rates
