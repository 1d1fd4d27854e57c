-- R5: what came back and stands for no member, with the reason. Nothing here is guessed onto a record.
with

checks as (
    select * from {{ ref('int_audience__key_checks') }}
    where unmatched_reason is not null
),

reply_events as (
    select * from {{ ref('fct_reply_events') }}
    where unmatched_reason is not null
),

bounce_events as (
    select * from {{ ref('fct_bounce_events') }}
    where unmatched_reason is not null
),

unmatched as (
    select
        claim_source as event_source,
        claim_key as event_key,
        org,
        unmatched_reason,
        campaign_member_id_as_received,
        lead_id_as_received,
        cast(null as timestamp) as occurred_at
    from checks
    union all
    select
        'smartlead_reply' as event_source,
        reply_id as event_key,
        org,
        unmatched_reason,
        cast(null as {{ dbt.type_string() }}) as campaign_member_id_as_received,
        cast(null as {{ dbt.type_string() }}) as lead_id_as_received,
        replied_at as occurred_at
    from reply_events
    union all
    select
        'smartlead_bounce' as event_source,
        bounce_id as event_key,
        org,
        unmatched_reason,
        cast(null as {{ dbt.type_string() }}) as campaign_member_id_as_received,
        cast(null as {{ dbt.type_string() }}) as lead_id_as_received,
        bounced_at as occurred_at
    from bounce_events
),

with_owner as (
    select
        *,
        'MARCOM Ops' as owner
    from unmatched
)

select * from with_owner
