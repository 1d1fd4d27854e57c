-- R2: each rule recognises its own example, and no rule of lower priority with another class takes it away. A failure
-- means that a pattern was changed without its example, or that two rules contradict each other. Acts: whoever changed
-- seeds/bounce_rules.csv.
with

bounce_rules as (
    select * from {{ ref('bounce_rules') }}
),

matches as (
    select
        examples.rule_id as example_of,
        examples.bounce_class as expected_class,
        rules.rule_id,
        rules.bounce_class,
        row_number() over (
            partition by examples.rule_id
            order by rules.priority, rules.rule_id
        ) as place
    from bounce_rules as examples
    left join bounce_rules as rules on {{ matches(plain_text('examples.example'), 'rules.pattern') }}
)

select * from matches
where place = 1 and (bounce_class is null or bounce_class != expected_class)
