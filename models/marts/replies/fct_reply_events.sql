with

replies as (
    select * from {{ ref('int_replies__replies') }}
),

reply_events as (
    select
        reply_id,
        message_id,
        stats_id,
        smartlead_campaign_id,
        org,
        campaign_id,
        campaign_member_id,
        lead_id,
        unmatched_reason,
        mailbox,
        cast(seq_number as integer) as seq_number,
        category,
        automatic_rule_id,
        is_bounce_notice,
        is_automatic,
        is_human_response,
        has_message,
        is_seen_by_webhook,
        is_seen_by_poll,
        replied_at
    from replies
)

select * from reply_events
