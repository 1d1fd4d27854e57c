with

source as (
    select * from {{ source('smartlead', 'campaign_analytics') }}
),

renamed as (
    select
        -- ids
        campaign_id as smartlead_campaign_id,
        -- numbers
        sent_count,
        bounce_count,
        reply_count
    from source
)

select * from renamed
