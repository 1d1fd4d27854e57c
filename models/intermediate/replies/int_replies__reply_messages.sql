-- Everything that came back as a message: what a webhook brought and what a poll brought meet by message id (R11).
with

messages as (
    select * from {{ ref('stg_smartlead__messages') }}
    where message_type = 'REPLY'
),

webhooks as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where event_type = 'EMAIL_REPLY' and parse_error is null
),

sightings as (
    select
        message_id,
        smartlead_campaign_id,
        stats_id,
        email,
        mailbox,
        subject,
        body_preview as body_text,
        seq_number,
        message_at as replied_at,
        true as is_polled
    from messages
    union all
    select
        coalesce(message_id, 'webhook|' || dedupe_key) as message_id,
        smartlead_campaign_id,
        stats_id,
        email,
        mailbox,
        subject,
        body_text,
        seq_number,
        coalesce(event_at, received_at) as replied_at,
        false as is_polled
    from webhooks
),

reply_messages as (
    select
        message_id,
        coalesce(max(case when is_polled then smartlead_campaign_id end), max(smartlead_campaign_id))
            as smartlead_campaign_id,
        coalesce(max(case when is_polled then stats_id end), max(stats_id)) as stats_id,
        coalesce(max(case when is_polled then email end), max(email)) as email,
        coalesce(max(case when is_polled then mailbox end), max(mailbox)) as mailbox,
        coalesce(max(case when is_polled then subject end), max(subject)) as subject,
        coalesce(max(case when is_polled then body_text end), max(body_text)) as body_text,
        max(seq_number) as seq_number,
        coalesce(min(case when is_polled then replied_at end), min(replied_at)) as replied_at,
        bool_or(is_polled) as is_seen_by_poll,
        bool_or(not is_polled) as is_seen_by_webhook
    from sightings
    group by message_id
)

select * from reply_messages
