-- The mailboxes that send for each campaign: whether they are approved (R7) and healthy, how much they may send, and
-- what the share of the campaign is.
with

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

email_accounts as (
    select * from {{ ref('stg_smartlead__email_accounts') }}
    where is_listed
),

smartlead_campaigns as (
    select * from {{ ref('stg_smartlead__campaigns') }}
),

sender_domains as (
    select * from {{ ref('sender_domains') }}
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

sending_limits as (
    select
        max(case when limit_id = 'mailbox_per_day' then value end) as mailbox_per_day,
        max(case when limit_id = 'campaign_mails_per_mailbox' then value end) as campaign_mails_per_mailbox,
        max(case when limit_id = 'bounce_share_stop' then value end) as bounce_share_stop,
        max(case when limit_id = 'bounce_share_minimum' then value end) as bounce_share_minimum
    from {{ ref('sending_limits') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

recent_days as (
    select
        sent_mails.mailbox,
        count(*) as sent_count,
        sum(case when bounces.bounce_class = 'hard' then 1 else 0 end) as hard_bounced_count
    from sent_mails
    cross join as_of
    left join bounces on sent_mails.stats_id = bounces.bounce_id
    where {{ days_between('sent_mails.sent_at', 'as_of.as_of_at') }} <= 7
    group by sent_mails.mailbox
),

attached as (
    select
        email_accounts.mailbox,
        email_accounts.mailbox_domain,
        email_accounts.messages_per_day,
        email_accounts.is_suspended,
        email_accounts.is_smtp_working,
        email_accounts.is_imap_working,
        cast({{ json_element_text('attachment.element') }} as bigint) as smartlead_campaign_id
    from email_accounts
    {{ json_array_lateral('email_accounts.smartlead_campaign_ids', 'attachment') }}
),

-- A campaign takes its share from its draft on, also while it is paused, and although no campaign map knows it; of one
-- whose status is unknown nobody can say that it is finished.
unfinished_campaigns as (
    select
        attached.mailbox,
        count(*) as campaign_count
    from attached
    left join smartlead_campaigns
        on attached.smartlead_campaign_id = smartlead_campaigns.smartlead_campaign_id
    where coalesce(smartlead_campaigns.campaign_status, 'unknown') not in ('STOPPED', 'COMPLETED', 'ARCHIVED')
    group by attached.mailbox
),

limited as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        attached.mailbox,
        sender_domains.domain is not null as is_approved,
        not attached.is_suspended
        and attached.is_smtp_working
        and attached.is_imap_working
        and not (
            coalesce(recent_days.sent_count, 0) >= sending_limits.bounce_share_minimum
            and recent_days.hard_bounced_count > sending_limits.bounce_share_stop * recent_days.sent_count
        ) as is_healthy,
        cast(least(
            coalesce(attached.messages_per_day, 0),
            sending_limits.mailbox_per_day,
            sending_limits.campaign_mails_per_mailbox
        ) as bigint) as daily_limit,
        coalesce(unfinished_campaigns.campaign_count, 1) as campaign_count
    from attached
    inner join campaign_map
        on attached.smartlead_campaign_id = campaign_map.smartlead_campaign_id
    cross join sending_limits
    left join sender_domains
        on
            campaign_map.org = sender_domains.org
            and attached.mailbox_domain = sender_domains.domain
    left join recent_days
        on attached.mailbox = recent_days.mailbox
    left join unfinished_campaigns
        on attached.mailbox = unfinished_campaigns.mailbox
),

campaign_mailboxes as (
    select
        org,
        campaign_id,
        mailbox,
        is_approved,
        is_healthy,
        daily_limit,
        cast(daily_limit as double) / campaign_count as daily_share
    from limited
)

select * from campaign_mailboxes
