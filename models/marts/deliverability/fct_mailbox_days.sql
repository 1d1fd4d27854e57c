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

-- the days of a mailbox's life on which it is still warmed up; after the last step of the ramp it is warm
warm_up_steps as (
    select
        from_day,
        lead(from_day) over (order by from_day) as until_day,
        mails_per_day
    from {{ ref('mailbox_warm_up') }}
),

replied_mails as (
    select distinct stats_id from replies
),

limits as (
    select
        email_accounts.mailbox,
        min(least(email_accounts.messages_per_day, sending_limits.value)) as daily_limit,
        min(email_accounts.created_at) as created_at
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

aged as (
    select
        days.*,
        limits.daily_limit,
        cast({{ days_between('limits.created_at', 'days.sent_on') }} + 1 as integer) as day_of_mailbox
    from days
    left join limits on days.mailbox = limits.mailbox
),

mailbox_days as (
    select
        aged.mailbox,
        aged.sent_on,
        cast(aged.sent_count as bigint) as sent_count,
        cast(aged.bounced_count as bigint) as bounced_count,
        cast(aged.hard_bounced_count as bigint) as hard_bounced_count,
        cast(aged.replied_count as bigint) as replied_count,
        cast(aged.unsubscribed_count as bigint) as unsubscribed_count,
        cast(aged.daily_limit as bigint) as daily_limit,
        cast(aged.sent_count as double) / nullif(aged.daily_limit, 0) as share_of_limit,
        aged.day_of_mailbox,
        cast(warm_up_steps.mails_per_day as bigint) as warm_up_limit,
        coalesce(aged.sent_count > warm_up_steps.mails_per_day, false) as is_over_warm_up_limit
    from aged
    left join warm_up_steps
        on
            aged.day_of_mailbox >= warm_up_steps.from_day
            and aged.day_of_mailbox < warm_up_steps.until_day
)

select * from mailbox_days
