-- Every reason against every lead, and how much each rule matters: whether the lead would be eligible without it.
with

eligibility_reasons as (
    select * from {{ ref('int_audience__eligibility_reasons') }}
),

counted as (
    select
        *,
        count(*) over (partition by org, lead_id) = 1 as is_only_reason
    from eligibility_reasons
),

reasons as (
    select
        org,
        lead_id,
        rule_id,
        text,
        owner,
        is_fallback,
        is_campaign_relative,
        is_only_reason
    from counted
)

select * from reasons
