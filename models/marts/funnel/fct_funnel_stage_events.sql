-- When each member first reached each stage. A stage that was passed without anybody seeing it has no time.
with

member_stages as (
    select * from {{ ref('int_funnel__member_stages') }}
),

stage_events as (
    {%- set stages = [
        ('member', 'created_at'),
        ('eligible', 'created_at'),
        ('exported', 'exported_at'),
        ('enriched', 'enriched_at'),
        ('sent', 'first_sent_at'),
        ('delivered', 'first_delivered_at'),
        ('opened', 'first_opened_at'),
        ('replied', 'first_replied_at'),
        ('positive', 'first_positive_at'),
        ('converted', 'cast(converted_on as timestamp)'),
    ] %}
    {%- for stage, reached_at in stages %}
        select
            org,
            campaign_member_id,
            campaign_id,
            person_id,
            {{ loop.index }} as stage_number,
            '{{ stage }}' as stage,
            {{ reached_at }} as reached_at
        from member_stages
        where stage_number >= {{ loop.index }}
            {%- if stage == 'opened' %} and is_open_tracked{% endif %}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
)

select * from stage_events
