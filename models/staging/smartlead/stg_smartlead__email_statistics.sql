with

source as (
    select * from {{ source('smartlead', 'email_statistics') }}
),

renamed as (
    select
        -- ids
        stats_id,
        campaign_id as smartlead_campaign_id,
        email_campaign_seq_id as sequence_id,
        -- strings
        nullif(lower(trim(lead_email)), '') as email,
        lead_category as category,
        -- booleans
        coalesce(is_unsubscribed, false) as is_unsubscribed,
        coalesce(is_bounced, false) as is_bounced,
        coalesce(ignore_reply, false) as is_reply_ignored,
        -- numbers
        sequence_number as seq_number,
        coalesce(open_count, 0) as open_count,
        coalesce(click_count, 0) as click_count,
        -- timestamps
        {{ to_utc('sent_time') }} as sent_at,
        {{ to_utc('open_time') }} as opened_at,
        {{ to_utc('click_time') }} as clicked_at,
        {{ to_utc('reply_time') }} as replied_at
    from source
)

select * from renamed
