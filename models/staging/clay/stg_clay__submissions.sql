with

source as (
    select * from {{ source('clay', 'submissions') }}
),

renamed as (
    select
        -- ids
        submission_id,
        org,
        campaign_id,
        campaign_member_id,
        lead_id,
        table_id,
        -- strings
        status as submission_status,
        detail,
        -- timestamps
        {{ to_utc('intent_at') }} as intended_at,
        {{ to_utc('settled_at') }} as settled_at
    from source
)

select * from renamed
