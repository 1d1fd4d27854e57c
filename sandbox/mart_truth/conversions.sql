-- Funnel: conversions and their day
select
    org || ' ' || campaign_member_id as id,
    cast(happened_at at time zone 'UTC' as date) as expected,
    cast(reached_at as date) as found
from (
    select org, other_id as campaign_member_id, happened_at
    from read_parquet('$truth/salesforce_events.parquet') where kind = 'converted'
) as converted
full join (from published.marts.fct_funnel_stage_events where stage = 'converted') using (org, campaign_member_id)
