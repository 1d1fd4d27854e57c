-- How many mailboxes and days each step of the ramp takes, against those that are healthy today. A new mailbox counts
-- from the day on which it may send as much as a warm one.
with

sending_ramp as (
    select * from {{ ref('sending_ramp') }}
),

mailboxes as (
    select * from {{ ref('int_audience__campaign_mailboxes') }}
    where is_healthy and is_approved
),

mailbox_warm_up as (
    select * from {{ ref('mailbox_warm_up') }}
),

limits as (
    select
        max(case when limit_id = 'campaign_mails_per_mailbox' then value end) as mails_per_mailbox,
        max(case when limit_id = 'sending_days_per_month' then value end) as sending_days
    from {{ ref('sending_limits') }}
),

healthy_mailboxes as (
    select
        mailboxes.mailbox,
        min(least(mailboxes.daily_limit, limits.mails_per_mailbox)) as daily_mails
    from mailboxes
    cross join limits
    group by mailboxes.mailbox
),

capacity as (
    select
        count(*) as healthy_mailboxes,
        coalesce(sum(daily_mails), 0) as mails_per_day
    from healthy_mailboxes
),

warm as (
    select min(mailbox_warm_up.from_day) - 1 as warm_up_days
    from mailbox_warm_up
    cross join limits
    where mailbox_warm_up.mails_per_day >= limits.mails_per_mailbox
),

needed as (
    select
        sending_ramp.ramp_step,
        cast(sending_ramp.mails_per_month as bigint) as mails_per_month,
        cast(ceil(sending_ramp.mails_per_month / limits.sending_days) as bigint) as mails_per_day_needed,
        capacity.healthy_mailboxes,
        cast(capacity.mails_per_day as bigint) as mails_per_day_today,
        cast(ceil(
            greatest(sending_ramp.mails_per_month / limits.sending_days - capacity.mails_per_day, 0)
            / limits.mails_per_mailbox
        ) as bigint) as mailboxes_missing,
        cast(ceil(sending_ramp.mails_per_month / nullif(capacity.mails_per_day, 0)) as bigint)
            as sending_days_with_todays_mailboxes,
        warm.warm_up_days
    from sending_ramp
    cross join limits
    cross join capacity
    cross join warm
),

projected as (
    select
        ramp_step,
        mails_per_month,
        mails_per_day_needed,
        healthy_mailboxes,
        mails_per_day_today,
        mailboxes_missing,
        healthy_mailboxes + mailboxes_missing as mailboxes_needed,
        case when mailboxes_missing = 0 then 0 else warm_up_days end as days_until_ready,
        sending_days_with_todays_mailboxes
    from needed
)

select * from projected
