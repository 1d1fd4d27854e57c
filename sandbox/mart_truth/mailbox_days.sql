-- Deliverability: mails by mailbox and day, and how many of them bounced
with sent as (
    select
        mailbox,
        cast(cast(sent_at as timestamptz) at time zone 'UTC' as date) as sent_on,
        count(*) as mails,
        count(*) filter (is_bounced = 1) as bounced,
        count(*) filter (true_bounce = 'hard' and is_evidence_clear = 1) as hard_bounced
    from read_parquet('$truth/smartlead_mails.parquet') group by all
)

select
    concat_ws(' ', mailbox, sent_on) as id,
    [mails, bounced, hard_bounced] as expected,
    [sent_count, bounced_count, hard_bounced_count] as found
from sent
full join (from published.marts.fct_mailbox_days where sent_count > 0) using (mailbox, sent_on)
