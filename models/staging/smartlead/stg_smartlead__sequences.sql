with

source as (
    select * from {{ source('smartlead', 'sequences') }}
),

last_seen as (
    select
        *,
        max(seen_at) over (partition by campaign_id) as campaign_seen_at
    from source
),

-- a step that was taken out of its sequence stays in the raw table
latest as (
    select * from last_seen
    where coalesce(seen_at = campaign_seen_at, campaign_seen_at is null)
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
    from latest
)

select * from renamed
