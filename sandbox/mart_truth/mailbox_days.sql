-- Deliverability: mails by mailbox and day
with sent as (
    select mailbox, cast(cast(sent_at as timestamptz) at time zone 'UTC' as date) as sent_on, count(*) as mails
    from read_parquet('$truth/smartlead_mails.parquet') group by all
)

select concat_ws(' ', mailbox, sent_on) as id, mails as expected, sent_count as found
from sent
full join (from published.marts.fct_mailbox_days where sent_count > 0) using (mailbox, sent_on)
