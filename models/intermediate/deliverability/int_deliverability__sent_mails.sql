{{ config(
    materialized='incremental',
    incremental_strategy=replace_rows(),
    unique_key='stats_id',
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

{% set announcing = "('EMAIL_SENT', 'FIRST_EMAIL_SENT', 'EMAIL_OPEN', 'EMAIL_LINK_CLICK')" %}

-- Each mail that was sent: as polled, and as webhooks reported it before the poll did (R11).
with

{% if is_incremental() -%}
-- Our inbox numbers events as they arrive. What comes late touches its mail like everything else.
touched as (
    select distinct stats_id
    from {{ ref('stg_smartlead__webhook_events') }}
    where
        event_id > (select coalesce(max(last_event_id), 0) from {{ this }})
        and event_type in {{ announcing }}
),

{% endif -%}
announcements as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where
        stats_id is not null
        and event_type in {{ announcing }}
),

statistics as (
    select * from {{ ref('stg_smartlead__email_statistics') }}
    {%- if is_incremental() %}
        where stats_id in (select stats_id from touched)
    {%- endif %}
),

messages as (
    select * from {{ ref('stg_smartlead__messages') }}
    where message_type = 'SENT' and stats_id is not null
),

campaigns as (
    select * from {{ ref('stg_smartlead__campaigns') }}
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where is_email_unique
),

announced as (
    select
        stats_id,
        min(smartlead_campaign_id) as smartlead_campaign_id,
        min(email) as email,
        min(mailbox) as mailbox,
        min(seq_number) as seq_number,
        min(case when event_type in ('EMAIL_SENT', 'FIRST_EMAIL_SENT') then event_at end) as sent_at,
        min(case when event_type = 'EMAIL_OPEN' then event_at end) as opened_at,
        min(case when event_type = 'EMAIL_LINK_CLICK' then event_at end) as clicked_at,
        max(event_id) as last_event_id
    from announcements
    {%- if is_incremental() %}
        where stats_id in (select stats_id from touched)
    {%- endif %}
    group by stats_id
),

mailboxes as (
    select
        stats_id,
        min(mailbox) as mailbox,
        min(message_at) as sent_at
    from messages
    group by stats_id
),

met as (
    select
        coalesce(statistics.stats_id, announced.stats_id) as stats_id,
        coalesce(statistics.smartlead_campaign_id, announced.smartlead_campaign_id) as smartlead_campaign_id,
        coalesce(statistics.email, announced.email) as email,
        announced.mailbox as announced_mailbox,
        coalesce(statistics.seq_number, announced.seq_number) as seq_number,
        coalesce(statistics.sent_at, announced.sent_at) as sent_at,
        coalesce(least(statistics.opened_at, announced.opened_at), statistics.opened_at, announced.opened_at)
            as opened_at,
        coalesce(least(statistics.clicked_at, announced.clicked_at), statistics.clicked_at, announced.clicked_at)
            as clicked_at,
        statistics.replied_at,
        statistics.category,
        coalesce(statistics.is_bounced, false) as is_bounced,
        coalesce(statistics.is_unsubscribed, false) as is_unsubscribed,
        coalesce(statistics.is_reply_ignored, false) as is_reply_ignored,
        statistics.stats_id is not null as is_polled,
        announced.last_event_id
    from statistics
    full outer join announced on statistics.stats_id = announced.stats_id
),

sent_mails as (
    select
        met.stats_id,
        met.smartlead_campaign_id,
        smartlead_members.campaign_lead_map_id,
        smartlead_members.org,
        smartlead_members.campaign_id,
        smartlead_members.campaign_member_id,
        smartlead_members.lead_id,
        met.email,
        coalesce(mailboxes.mailbox, met.announced_mailbox) as mailbox,
        met.category,
        case
            when smartlead_members.campaign_lead_map_id is null then 'not_in_roster'
            else smartlead_members.unmatched_reason
        end as unmatched_reason,
        met.is_bounced,
        met.is_unsubscribed,
        met.is_reply_ignored,
        coalesce(campaigns.is_open_tracked, false) as is_open_tracked,
        met.is_polled,
        met.seq_number,
        met.last_event_id,
        coalesce(met.sent_at, mailboxes.sent_at) as sent_at,
        met.opened_at,
        met.clicked_at,
        met.replied_at
    from met
    left join mailboxes on met.stats_id = mailboxes.stats_id
    left join campaigns on met.smartlead_campaign_id = campaigns.smartlead_campaign_id
    left join smartlead_members
        on
            met.smartlead_campaign_id = smartlead_members.smartlead_campaign_id
            and met.email = smartlead_members.email
)

select * from sent_mails
