-- Write-back: what Salesforce was last given for each field
with given as (
    select
        org,
        object,
        record_id,
        if(field = 'Ext_Hard_Bounced__c', 'external_hard_bounced__c', field) as field,
        arg_max(new_value, written_at) as new_value
    from read_parquet('$truth/salesforce_writes.parquet') group by all
)

select concat_ws(' ', org, object, record_id, field) as id, new_value as expected, written_value as found
from given
full join published.marts.fct_writeback_reconciliation using (org, object, record_id, field)
