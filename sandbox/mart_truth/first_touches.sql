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
semi join (  -- whoever was merged away, deleted, or called by mistake is nobody's to follow up any more
    from staging.stg_salesforce__campaign_members where not is_deleted and reply_classification = 'Positive'
) as members using (org, campaign_member_id)
left join published.marts.fct_sales_follow_up using (org, campaign_member_id)
