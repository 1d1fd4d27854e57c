-- Hops: rows of each campaign in Clay, and leads in Smartlead
with expected as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        count(*) as clay_rows,
        count(distinct email) filter (pushed_at is not null) as smartlead_leads
    from read_parquet('$truth/clay_rows.parquet') as rows
    join policy.campaign_map on campaign_map.clay_table_id = rows.table_id
    group by all
)

select
    org || ' ' || campaign_id as id,
    [coalesce(expected.clay_rows, 0), coalesce(expected.smartlead_leads, 0)] as expected,
    [found.clay_rows, found.smartlead_leads] as found
from expected
full join published.marts.fct_hop_completeness as found using (org, campaign_id)
