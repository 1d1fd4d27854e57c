-- How sales keeps its SLA, by rep and GBU. Only what is decided - kept or breached - enters the share.
with

follow_up as (
    select * from {{ ref('fct_sales_follow_up') }}
),

counted as (
    select
        org,
        coalesce(owner_id, 'nobody') as owner_id,
        max(owner_name) as owner_name,
        coalesce(gbu, 'unknown') as gbu,
        count(*) as positive_replies,
        count(case when is_waiting then 1 end) as replies_waiting,
        count(case when sla_status = 'kept' then 1 end) as replies_kept,
        count(case when sla_status = 'breached' then 1 end) as replies_breached,
        count(case when sla_status in ('kept', 'breached') then 1 end) as replies_decided,
        max(case when is_waiting then waiting_business_hours end) as longest_waiting_business_hours
    from follow_up
    group by org, coalesce(owner_id, 'nobody'), coalesce(gbu, 'unknown')
),

with_rates as (
    {{ named_rates('counted', [('kept_share_of_decided', 'replies_kept', 'replies_decided')]) }}
)

select * from with_rates
