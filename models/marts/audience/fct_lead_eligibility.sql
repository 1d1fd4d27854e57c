with

lead_eligibility as (
    select * from {{ ref('int_audience__lead_eligibility') }}
)

select * from lead_eligibility
