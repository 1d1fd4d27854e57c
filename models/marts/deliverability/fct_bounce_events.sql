with

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

bounce_events as (
    select
        bounce_id,
        smartlead_campaign_id,
        org,
        campaign_id,
        campaign_member_id,
        lead_id,
        unmatched_reason,
        mailbox,
        cast(seq_number as integer) as seq_number,
        bounce_class,
        rule_id,
        evidence,
        bounce_class = 'hard' as is_hard_bounce,
        is_seen_by_webhook,
        is_seen_by_poll,
        is_time_estimated,
        sent_at,
        bounced_at
    from bounces
)

select * from bounce_events
