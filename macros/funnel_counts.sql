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

{# Each rate with the numerator and the denominator that its name stands for. #}
{% macro funnel_rates(relation) -%}
    {{ named_rates(relation, [
        ('delivery_rate_per_contacted', 'members_delivered', 'members_sent'),
        ('reply_rate_per_contacted', 'members_replied', 'members_sent'),
        ('reply_rate_per_delivered', 'members_replied', 'members_delivered'),
        ('positive_rate_per_contacted', 'members_positive', 'members_sent'),
        ('positive_rate_per_delivered', 'members_positive', 'members_delivered'),
        ('positive_share_of_replies', 'members_positive', 'members_replied'),
        ('hard_bounce_rate_per_contacted', 'members_hard_bounced', 'members_sent'),
        ('smartlead_hard_bounce_rate_per_contacted', 'members_hard_bounced_in_smartlead', 'members_sent'),
        ('conversion_rate_per_contacted', 'members_converted', 'members_sent')
    ]) }}
{%- endmacro %}
