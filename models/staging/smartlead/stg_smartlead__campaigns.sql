with

source as (
    select * from {{ source('smartlead', 'campaigns') }}
),

renamed as (
    select
        -- ids
        id as smartlead_campaign_id,
        -- strings
        name as campaign_name,
        status as campaign_status,
        -- booleans
        coalesce(track_settings, '') not like '%DONT_EMAIL_OPEN%' as is_open_tracked,
        coalesce(track_settings, '') not like '%DONT_LINK_CLICK%' as is_click_tracked,
        -- numbers
        max_leads_per_day,
        -- timestamps
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('seen_at') }} as seen_at
    from source
)

select * from renamed
