with

source as (
    select * from {{ source('smartlead', 'sequences') }}
),

renamed as (
    select
        -- ids
        id as sequence_id,
        campaign_id as smartlead_campaign_id,
        -- strings
        subject_hash,
        body_hash,
        -- numbers
        seq_number,
        delay_days
    from source
)

select * from renamed
