with

source as (
    select * from {{ source('writeback', 'accepted_matches') }}
),

renamed as (
    select
        -- ids
        match_id,
        event_key,
        org,
        campaign_member_id,
        lead_id,
        smartlead_campaign_id,
        -- strings
        event_source,
        action,
        email,
        unmatched_reason,
        decided_by,
        why,
        -- timestamps
        {{ to_utc('decided_at') }} as decided_at
    from source
)

select * from renamed
