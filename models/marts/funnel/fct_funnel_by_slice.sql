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
        org as person_org,
        person_id,
        stage_number,
        is_open_tracked,
        stage_number >= 7 and is_open_tracked as is_opened,
        stage_number >= 5 and is_hard_bounced as is_hard_bounced,
        is_hard_bounced_in_smartlead,
        has_replied_only_in_salesforce
    from {{ ref('int_funnel__member_stages') }}
    where is_ai_outreach
),

people as (
    select
        coalesce(org, 'all') as org,
        coalesce(campaign_id, 'all') as campaign_id,
        coalesce(gbu, 'all') as gbu,
        coalesce(icp_tier, 'all') as icp_tier,
        coalesce(cohort, 'all') as cohort,
        max(stage_number) as stage_number,
        bool_or(is_open_tracked) as is_open_tracked,
        bool_or(is_opened) as is_opened,
        bool_or(is_hard_bounced) as is_hard_bounced,
        bool_or(is_hard_bounced_in_smartlead) as is_hard_bounced_in_smartlead,
        bool_or(has_replied_only_in_salesforce) as has_replied_only_in_salesforce
    from member_stages
    group by rollup(org, campaign_id), cube(gbu, icp_tier, cohort), person_org, person_id
),

counted as (
    select
        org,
        campaign_id,
        gbu,
        icp_tier,
        cohort,
        {%- for stage in funnel_stages() %}
            {%- if stage == 'opened' %}
                case when bool_or(is_open_tracked) then count(case when is_opened then 1 end) end as members_opened,
            {%- else %}
                count(case when stage_number >= {{ loop.index }} then 1 end) as members_{{ stage }},
            {%- endif %}
        {%- endfor %}
        {%- for flag in ['hard_bounced', 'hard_bounced_in_smartlead'] %}
            count(case when is_{{ flag }} then 1 end) as members_{{ flag }},
        {%- endfor %}
        count(case when has_replied_only_in_salesforce then 1 end) as members_replied_only_in_salesforce
    from people
    group by org, campaign_id, gbu, icp_tier, cohort
),

with_rates as (
    {{ funnel_rates('counted') }}
)

select * from with_rates
