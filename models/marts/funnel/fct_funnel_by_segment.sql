with

member_stages as (
    select
        *,
        coalesce(gbu, 'unknown') as segment_gbu,
        coalesce(country, 'unknown') as segment_country,
        coalesce({{ week_text('first_sent_at') }}, 'unknown') as segment_week
    from {{ ref('int_funnel__member_stages') }}
    where is_ai_outreach
),

segmented as (
    {%- set segments = [
        ('all', "'all'"),
        ('gbu', 'segment_gbu'),
        ('country', 'segment_country'),
        ('icp_tier', 'icp_tier'),
        ('industry', 'industry'),
        ('sender', 'sender'),
        ('template', 'template_hash'),
        ('week', 'segment_week')
    ] %}
    {%- for segment, column in segments %}
        select
            '{{ segment }}' as segment,
            {{ column }} as segment_value,
            org,
            person_id,
            has_other_memberships,
            stage_number,
            is_open_tracked,
            is_hard_bounced,
            is_hard_bounced_in_smartlead,
            has_replied_only_in_salesforce
        from member_stages
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

counted as (
    {{ funnel_counts('segmented', ['org', 'segment', 'segment_value']) }}
),

with_rates as (
    {{ funnel_rates('counted') }}
)

select * from with_rates
