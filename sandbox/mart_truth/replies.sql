-- Replies: each one once, its kind and time
select
    message_id as id,
    [true_kind, strftime(cast(truth.replied_at as timestamptz) at time zone 'UTC', '%x %X')] as expected,
    [
        case when is_bounce_notice then 'bounce_notice' when is_automatic then 'automatic'
            when is_human_response then 'human' end,
        strftime(events.replied_at, '%x %X')
    ] as found
from read_parquet('$truth/smartlead_replies.parquet') as truth
full join published.marts.fct_reply_events as events using (message_id)
