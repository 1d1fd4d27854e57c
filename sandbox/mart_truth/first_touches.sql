-- Sales: first touch
with called as (
    select org, other_id as campaign_member_id, min(happened_at) at time zone 'UTC' as called_at
    from read_parquet('$truth/salesforce_events.parquet') where kind = 'called' group by all
)

select
    org || ' ' || campaign_member_id as id,
    strftime(called_at, '%x %X') as expected,
    strftime(first_touched_at, '%x %X') as found
from called
left join published.marts.fct_sales_follow_up using (org, campaign_member_id)
