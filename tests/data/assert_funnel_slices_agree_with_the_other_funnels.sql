-- Each roll-up that another funnel mart counts in its own way has the same counts there. A failure means that the
-- dashboard shows wrong figures. Acts: analytics engineering.
{%- set counts = ['members', 'sent', 'opened', 'replied', 'converted', 'hard_bounced', 'replied_only_in_salesforce'] %}
with

slices as (
    select * from {{ ref('fct_funnel_by_slice') }}
),

segments as (
    select
        *,
        case when segment = 'gbu' then segment_value else 'all' end as gbu,
        case when segment = 'icp_tier' then segment_value else 'all' end as icp_tier
    from {{ ref('fct_funnel_by_segment') }}
    where segment in ('all', 'gbu', 'icp_tier')
),

cohorts as (
    select
        *,
        cast(cohort_starts_on as {{ dbt.type_string() }}) as cohort
    from {{ ref('fct_funnel_by_cohort') }}
),

campaigns as (
    select * from {{ ref('fct_funnel_by_campaign') }}
    where is_ai_outreach and members_members > 0
),

others as (
    {%- for relation, columns in [
        ('segments', {'campaign_id': "'all'", 'gbu': 'gbu', 'icp_tier': 'icp_tier', 'cohort': "'all'"}),
        ('cohorts', {'campaign_id': 'campaign_id', 'gbu': "'all'", 'icp_tier': "'all'", 'cohort': 'cohort'}),
        ('campaigns', {'campaign_id': 'campaign_id', 'gbu': "'all'", 'icp_tier': "'all'", 'cohort': "'all'"})
    ] %}
        select
            org,
            {%- for column, expression in columns.items() %}
                {{ expression }} as {{ column }},
            {%- endfor %}
            members_{{ counts | join(',\n            members_') }}
        from {{ relation }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

disagreements as (
    select others.*
    from others
    left join slices
        on
            others.org = slices.org
            and others.campaign_id = slices.campaign_id
            and others.gbu = slices.gbu
            and others.icp_tier = slices.icp_tier
            and others.cohort = slices.cohort
    where
        slices.org is null
        {%- for count in counts %}
            or coalesce(others.members_{{ count }}, -1) != coalesce(slices.members_{{ count }}, -1)
        {%- endfor %}
)

select * from disagreements
