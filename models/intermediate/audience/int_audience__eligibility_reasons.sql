-- R7: one row for each lead and rule that excludes it: the rule has found something, and is in force.
with

lead_findings as (
    select * from {{ ref('int_audience__lead_findings') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

rules_in_force as (
    select eligibility_rules.*
    from {{ ref('eligibility_rules') }} as eligibility_rules
    cross join as_of
    where eligibility_rules.is_active and eligibility_rules.active_since <= cast(as_of.as_of_at as date)
),

found as (
    {%- for rule in eligibility_rules() %}
        select
            org,
            lead_id,
            '{{ rule }}' as rule_id,
            {{ loop.index }} as rule_number
        from lead_findings
        where is_{{ rule }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

eligibility_reasons as (
    select
        found.org,
        found.lead_id,
        found.rule_id,
        found.rule_number,
        rules_in_force.text,
        rules_in_force.owner,
        rules_in_force.is_fallback,
        rules_in_force.is_campaign_relative
    from found
    inner join rules_in_force on found.rule_id = rules_in_force.rule_id
)

select * from eligibility_reasons
