{# The counts of a funnel over int_funnel__member_stages: distinct people who reached each stage, by dimensions of which one
   is org. Opens are counted where they are tracked, and null where they are tracked nowhere. Replies that only Salesforce
   knows have no time and no proof; they stand beside the funnel, not in it. With roll_ups, an expression of group by, every
   roll-up is counted too; a dimension is 'all' in it.
   Only who has several memberships must be told from others to be counted once. The rest are crowds: one row, with their
   number, for all who are alike, under the name of one of them. #}
{% macro funnel_counts(relation, dimensions, roll_ups=none) -%}
    {%- set flags = ['is_open_tracked', 'is_opened', 'is_mailed_and_bounced', 'is_hard_bounced_in_smartlead',
        'has_replied_only_in_salesforce'] -%}
    with

    judged as (
        select
            *,
            org as person_org,
            case when has_other_memberships then person_id end as told_apart_as,
            stage_number >= 7 and is_open_tracked as is_opened,
            stage_number >= 5 and is_hard_bounced as is_mailed_and_bounced
        from {{ relation }}
        where person_id is not null
    ),

    crowds as (
        select
            {{ dimensions | join(', ') }}, person_org, stage_number, {{ flags | join(', ') }},
            min(person_id) as person_id,
            case when told_apart_as is null then count(*) else 1 end as people
        from judged
        group by {{ dimensions | join(', ') }}, person_org, stage_number, {{ flags | join(', ') }}, told_apart_as
    ),

    people as (
        select
            {%- for dimension in dimensions %}
            {{ "coalesce(" ~ dimension ~ ", 'all')" if roll_ups else dimension }} as {{ dimension }},
            {%- endfor %}
            max(people) as people,
            max(stage_number) as stage_number,
            {%- for flag in flags %}
            bool_or({{ flag }}) as {{ flag }}{{ ',' if not loop.last }}
            {%- endfor %}
        from crowds
        group by {{ roll_ups or dimensions | join(', ') }}, person_org, person_id
    )

    select
        {{ dimensions | join(',\n        ') }},
        {%- for stage in funnel_stages() %}
        {%- if stage == 'opened' %}
        case when bool_or(is_open_tracked) then {{ people_who('is_opened') }} end as members_opened,
        {%- else %}
        {{ people_who('stage_number >= ' ~ loop.index) }} as members_{{ stage }},
        {%- endif %}
        {%- endfor %}
        {{ people_who('is_mailed_and_bounced') }} as members_hard_bounced,
        {{ people_who('is_hard_bounced_in_smartlead') }} as members_hard_bounced_in_smartlead,
        {{ people_who('has_replied_only_in_salesforce') }} as members_replied_only_in_salesforce
    from people
    group by {{ dimensions | join(', ') }}
{%- endmacro %}

{% macro people_who(condition) -%}
    cast(sum(case when {{ condition }} then people else 0 end) as bigint)
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
