{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with

source as (
    select * from {{ source('smartlead', 'webhook_events') }}
),

renamed as (
    select
        -- ids
        event_id,
        dedupe_key,
        campaign_id as smartlead_campaign_id,
        try_cast(coalesce(
            {{ json_text('payload', 'sl_email_lead_id') }},
            {{ json_text('payload', 'lead_id') }}
        ) as bigint) as smartlead_lead_id,
        coalesce(
            {{ json_text('payload', 'sl_email_lead_map_id') }},
            {{ json_text('payload', 'campaign_lead_map_id') }}
        ) as campaign_lead_map_id,
        {{ json_text('payload', 'stats_id') }} as stats_id,
        coalesce(
            {{ json_text('payload', 'reply_message.message_id') }},
            {{ json_text('payload', 'bounce_message.message_id') }},
            {{ json_text('payload', 'bounce_reply_message_id') }},
            {{ json_text('payload', 'message_id') }}
        ) as message_id,
        try_cast(coalesce(
            {{ json_text('payload', 'lead_category.new_id') }},
            {{ json_text('payload', 'lead_category_id') }},
            {{ json_text('payload', 'new_category_id') }}
        ) as bigint) as new_category_id,
        try_cast(coalesce(
            {{ json_text('payload', 'lead_category.old_id') }},
            {{ json_text('payload', 'old_category_id') }}
        ) as bigint) as old_category_id,
        -- strings
        channel,
        event_type,
        nullif(lower(trim(coalesce(
            {{ json_text('payload', 'sl_lead_email') }},
            {{ json_text('payload', 'lead_email') }},
            {{ json_text('payload', 'to_email') }},
            {{ json_text('payload', 'to') }}
        ))), '') as email,
        nullif(lower(trim({{ json_text('payload', 'from_email') }})), '') as mailbox,
        {{ json_text('payload', 'subject') }} as subject,
        coalesce(
            {{ json_text('payload', 'bounce_message.text') }},
            {{ json_text('payload', 'bounce_reply_email_preview') }},
            {{ json_text('payload', 'reply_message.text') }},
            {{ json_text('payload', 'preview_text') }}
        ) as body_text,
        coalesce(
            {{ json_text('payload', 'lead_category.new_name') }},
            {{ json_text('payload', 'category') }}
        ) as new_category,
        -- booleans
        coalesce(
            lower({{ json_text('payload', 'is_sender_originated_bounce') }}) = 'true', false
        ) as is_sender_originated_bounce,
        -- numbers
        try_cast({{ json_text('payload', 'sequence_number') }} as bigint) as seq_number,
        -- timestamps
        coalesce(
            {{ parse_utc(json_text('payload', 'time_replied')) }},
            {{ parse_utc(json_text('payload', 'bounce_message.time')) }},
            {{ parse_utc(json_text('payload', 'observed_at')) }},
            {{ parse_utc(json_text('payload', 'event_timestamp')) }},
            {{ parse_utc(json_text('payload', 'time_sent')) }}
        ) as event_at,
        {{ parse_utc(json_text('payload', 'bounce_message.time')) }} as bounced_at, -- event times are the sending's
        {{ to_utc('received_at') }} as received_at,
        -- other
        payload,
        coalesce(parse_error, case when {{ is_malformed_json('payload') }} then 'not valid JSON' end) as parse_error
    from source
    {%- if is_incremental() %}
        -- Our inbox numbers events as they arrive and changes none: what happened earlier and comes late is numbered late.
        where event_id > (select coalesce(max(event_id), 0) from {{ this }})
    {%- endif %}
)

select * from renamed
