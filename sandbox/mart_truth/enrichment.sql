-- Enrichment: rows that Clay has done
select
    concat_ws(' ', table_id, row_id) as id,
    true as expected,
    enriched_at is not null as found
from (
    from read_parquet('$truth/clay_rows.parquet') as rows
    semi join (from staging.stg_salesforce__campaign_members where not is_deleted) as members
        on members.org = rows.org and members.campaign_member_id = rows.campaign_member_id
    where status = 'done'
) as rows
full join (from published.marts.fct_lead_enrichment where table_id <> 'lookups') as found using (table_id, row_id)
