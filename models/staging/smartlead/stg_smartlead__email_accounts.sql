with

source as (
    select * from {{ source('smartlead', 'email_accounts') }}
),

renamed as (
    select
        -- ids
        id as email_account_id,
        -- strings
        lower(trim(from_email)) as mailbox,
        split_part(lower(trim(from_email)), '@', 2) as mailbox_domain,
        from_name as sender_name,
        type as account_type,
        warmup_status,
        -- booleans
        coalesce(is_suspended, false) as is_suspended,
        coalesce(is_smtp_success, false) as is_smtp_working,
        coalesce(is_imap_success, false) as is_imap_working,
        coalesce(seen_at = max(seen_at) over (), max(seen_at) over () is null) as is_listed,
        -- numbers
        message_per_day as messages_per_day,
        daily_sent_count as sent_today,
        warmup_reputation,
        -- other
        campaign_ids as smartlead_campaign_ids,
        -- timestamps
        {{ to_utc('created_at') }} as created_at
    from source
)

select * from renamed
