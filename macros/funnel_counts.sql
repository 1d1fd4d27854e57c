{# The counts and rates of a funnel over int_funnel__member_stages: distinct people who reached each stage, and each
   rate with the denominator that its name says; null where the denominator is zero. #}
{% macro funnel_counts(relation, dimensions) -%}
{%- set stages = [
    'members', 'eligible', 'exported', 'enriched', 'sent', 'delivered', 'opened', 'replied', 'positive', 'converted'
] -%}
    select
        {{ dimensions | join(',\n        ') }},
        {%- for stage in stages %}
        {%- if stage == 'opened' %}
        case
            when bool_or(is_open_tracked)
                then count(distinct case when stage_number >= {{ loop.index }} then person_id end)
        end as members_opened,
        {%- else %}
        count(distinct case when stage_number >= {{ loop.index }} then person_id end) as members_{{ stage }},
        {%- endif %}
        {%- endfor %}
        count(distinct case when stage_number >= 5 and is_hard_bounced then person_id end) as members_hard_bounced
    from {{ relation }}
    group by {{ dimensions | join(', ') }}
{%- endmacro %}

{% macro funnel_rates(relation) -%}
    select
        *,
        cast(members_replied as double) / nullif(members_sent, 0) as reply_rate_per_contacted,
        cast(members_replied as double) / nullif(members_delivered, 0) as reply_rate_per_delivered,
        cast(members_positive as double) / nullif(members_sent, 0) as positive_rate_per_contacted,
        cast(members_positive as double) / nullif(members_replied, 0) as positive_share_of_replies,
        cast(members_hard_bounced as double) / nullif(members_sent, 0) as hard_bounce_rate_per_contacted,
        cast(members_converted as double) / nullif(members_sent, 0) as conversion_rate_per_contacted
    from {{ relation }}
{%- endmacro %}
