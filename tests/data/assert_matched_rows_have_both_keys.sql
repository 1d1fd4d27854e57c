-- R5: a reply or bounce has a member with its lead, or a reason why not. A failure means that something was guessed or
-- set aside without a reason. Acts: analytics engineering; nothing may be published.
with

replies as (
    select * from {{ ref('fct_reply_events') }}
),

bounces as (
    select * from {{ ref('fct_bounce_events') }}
),

events as (
    select
        reply_id as event_key,
        campaign_member_id,
        lead_id,
        unmatched_reason
    from replies
    union all
    select
        bounce_id as event_key,
        campaign_member_id,
        lead_id,
        unmatched_reason
    from bounces
)

select * from events
where
    (unmatched_reason is null and (campaign_member_id is null or lead_id is null))
    or (unmatched_reason is not null and (campaign_member_id is not null or lead_id is not null))
