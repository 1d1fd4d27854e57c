with

source as (
    select * from {{ source('smartlead', 'set_aside_records') }}
),

renamed as (
    select
        -- ids
        record_hash,
        campaign_id as smartlead_campaign_id,
        -- strings
        table_name,
        problem,
        -- timestamps
        {{ to_utc('read_at') }} as read_at
    from source
)

select * from renamed
