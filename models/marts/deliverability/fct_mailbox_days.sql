-- What became of the mails that a mailbox sent on a day (UTC), whenever it became known.
with

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where sent_at is not null
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

replies as (
    select * from {{ ref('int_replies__replies') }}
    where is_human_response
),

email_accounts as (
    select * from {{ ref('stg_smartlead__email_accounts') }}
),

sending_limits as (
    select * from {{ ref('sending_limits') }}
),

replied_mails as (
    select distinct stats_id from replies
),

limits as (
    select
        email_accounts.mailbox,
        min(least(email_accounts.messages_per_day, sending_limits.value)) as daily_limit
    from email_accounts
    cross join sending_limits
    where sending_limits.limit_id = 'mailbox_per_day'
    group by email_accounts.mailbox
),

mails as (
    select
        coalesce(sent_mails.mailbox, 'unknown') as mailbox,
        cast(sent_mails.sent_at as date) as sent_on,
        sent_mails.is_unsubscribed,
        bounces.bounce_id is not null as is_bounced,
        coalesce(bounces.bounce_class = 'hard', false) as is_hard_bounced,
        replied_mails.stats_id is not null as is_replied
    from sent_mails
    left join bounces on sent_mails.stats_id = bounces.bounce_id
    left join replied_mails on sent_mails.stats_id = replied_mails.stats_id
),

days as (
    select
        mailbox,
        sent_on,
        count(*) as sent_count,
        sum(case when is_bounced then 1 else 0 end) as bounced_count,
        sum(case when is_hard_bounced then 1 else 0 end) as hard_bounced_count,
        sum(case when is_replied then 1 else 0 end) as replied_count,
        sum(case when is_unsubscribed then 1 else 0 end) as unsubscribed_count
    from mails
    group by mailbox, sent_on
),

mailbox_days as (
    select
        days.mailbox,
        days.sent_on,
        cast(days.sent_count as bigint) as sent_count,
        cast(days.bounced_count as bigint) as bounced_count,
        cast(days.hard_bounced_count as bigint) as hard_bounced_count,
        cast(days.replied_count as bigint) as replied_count,
        cast(days.unsubscribed_count as bigint) as unsubscribed_count,
        cast(limits.daily_limit as bigint) as daily_limit,
        cast(days.sent_count as double) / nullif(limits.daily_limit, 0) as share_of_limit
    from days
    left join limits on days.mailbox = limits.mailbox
)

select * from mailbox_days
