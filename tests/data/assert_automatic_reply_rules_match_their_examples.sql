-- R3: each rule recognises its own example. A failure means that a pattern was changed without its example. Acts:
-- whoever changed seeds/automatic_reply_rules.csv.
with

automatic_reply_rules as (
    select * from {{ ref('automatic_reply_rules') }}
)

select * from automatic_reply_rules
where not {{ matches('example', 'pattern') }}
