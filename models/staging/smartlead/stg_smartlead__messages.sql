with

source as (
    select * from {{ source('smartlead', 'messages') }}
),

renamed as (
    select
        -- ids
        message_id,
        campaign_id as smartlead_campaign_id,
        lead_id as smartlead_lead_id,
        stats_id,
        -- strings
        type as message_type,
        lower(trim(mailbox)) as mailbox,
        nullif(lower(trim(lead_email)), '') as email,
        subject,
        body_preview,
        -- numbers
        sequence_number as seq_number,
        -- timestamps
        {{ to_utc('message_time') }} as message_at
    from source
)

select * from renamed
