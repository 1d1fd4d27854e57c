-- Unmatched: rows whose ids were lost
with pushed as (
    select campaign_map.smartlead_campaign_id, email, arg_max(ids_fate, pushed_at) as ids_fate
    from read_parquet('$truth/clay_rows.parquet') as rows
    join policy.campaign_map on campaign_map.clay_table_id = rows.table_id
    where pushed_at is not null
    group by all
)

select
    concat_ws(' ', smartlead_campaign_id, md5(email)) as id,
    true as expected,
    coalesce(unmatched_reason like 'campaign_member_id%' or unmatched_reason like 'lead_id%', false) as found
from (from pushed where ids_fate in ('lost', 'mangled')) as pushed
full join (
    from published.marts.fct_unmatched_events
    where
        event_source = 'smartlead_lead'
        and unmatched_reason not in ('member_deleted', 'member_not_visible', 'campaign_deleted', 'lead_deleted')
) as unmatched using (smartlead_campaign_id, email)
