-- Bounces: each one once, and its class
select
    coalesce(stats_id, bounce_id) as id,
    if(is_evidence_clear = 1, true_bounce, 'unknown') as expected,
    bounce_class as found
from (from read_parquet('$truth/smartlead_mails.parquet') where true_bounce is not null) as mails
full join published.marts.fct_bounce_events as events on events.bounce_id = mails.stats_id
