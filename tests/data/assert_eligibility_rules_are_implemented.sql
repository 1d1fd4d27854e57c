-- R7: every rule of the seed has its column, and every column its rule. A failure means that a rule was written down
-- that excludes nobody, or that a column excludes by a rule that nobody has reviewed. Acts: whoever changed them.
with

eligibility_rules as (
    select * from {{ ref('eligibility_rules') }}
),

implemented as (
    {%- for rule in eligibility_rules() %}
        select '{{ rule }}' as rule_id
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

differences as (
    select
        eligibility_rules.rule_id as listed,
        implemented.rule_id as implemented
    from eligibility_rules
    full outer join implemented on eligibility_rules.rule_id = implemented.rule_id
    where eligibility_rules.rule_id is null or implemented.rule_id is null
)

select * from differences
