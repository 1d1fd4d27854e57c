with

lead_bounces as (
    select * from {{ ref('int_deliverability__lead_bounces') }}
)

select * from lead_bounces
