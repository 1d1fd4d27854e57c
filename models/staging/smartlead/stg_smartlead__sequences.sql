with

source as (
    select * from {{ source('smartlead', 'sequences') }}
),

-- a step that was taken out of its sequence stays in the raw table
latest as (
    select *
    from (select *, max(seen_at) over (partition by campaign_id) as campaign_seen_at from source) as seen
    where seen_at is not distinct from campaign_seen_at
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
