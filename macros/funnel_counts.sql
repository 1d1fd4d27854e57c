{# The counts of a funnel over int_funnel__member_stages: distinct people who reached each stage. Opens are counted where
   they are tracked, and null where they are tracked nowhere. Replies that only Salesforce knows have no time and no proof;
   they stand beside the funnel, not in it. #}
{% macro funnel_counts(relation, dimensions) -%}
    select
        {{ dimensions | join(',\n        ') }},
        {%- for stage in funnel_stages() %}
        {%- if stage == 'opened' %}
        case
            when bool_or(is_open_tracked)
                then count(distinct case when stage_number >= {{ loop.index }} and is_open_tracked then person_id end)
        end as members_opened,
        {%- else %}
        count(distinct case when stage_number >= {{ loop.index }} then person_id end) as members_{{ stage }},
        {%- endif %}
        {%- endfor %}
        count(distinct case when stage_number >= 5 and is_hard_bounced then person_id end) as members_hard_bounced,
        count(distinct case when is_hard_bounced_in_smartlead then person_id end) as members_hard_bounced_in_smartlead,
        count(distinct case when has_replied_only_in_salesforce then person_id end)
            as members_replied_only_in_salesforce
    from {{ relation }}
    group by {{ dimensions | join(', ') }}
{%- endmacro %}

{# The stages in their order; the place of a stage is its stage_number. #}
{% macro funnel_stages() -%}
    {{ return([
        'members', 'eligible', 'exported', 'enriched', 'sent', 'delivered', 'opened', 'replied', 'positive', 'converted'
    ]) }}
{%- endmacro %}

{# Each rate with the denominator that its name says; null where the denominator is zero. #}
{% macro funnel_rates(relation) -%}
    select
        *,
        cast(members_replied as double) / nullif(members_sent, 0) as reply_rate_per_contacted,
        cast(members_replied as double) / nullif(members_delivered, 0) as reply_rate_per_delivered,
        cast(members_positive as double) / nullif(members_sent, 0) as positive_rate_per_contacted,
        cast(members_positive as double) / nullif(members_replied, 0) as positive_share_of_replies,
        cast(members_hard_bounced as double) / nullif(members_sent, 0) as hard_bounce_rate_per_contacted,
        cast(members_hard_bounced_in_smartlead as double) / nullif(members_sent, 0)
            as smartlead_hard_bounce_rate_per_contacted,
        cast(members_converted as double) / nullif(members_sent, 0) as conversion_rate_per_contacted
    from {{ relation }}
{%- endmacro %}
