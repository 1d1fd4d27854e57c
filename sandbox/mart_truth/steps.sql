-- Funnel: mails by step
with expected as (
    select smartlead_campaign_id, step as seq_number, count(*) as sent, count(*) filter (is_bounced = 0) as delivered
    from read_parquet('$truth/smartlead_mails.parquet') group by all
)

select
    concat_ws(' ', smartlead_campaign_id, seq_number) as id,
    [sent, delivered] as expected,
    [mails_sent, mails_delivered] as found
from expected
full join published.marts.fct_funnel_by_step using (smartlead_campaign_id, seq_number)
