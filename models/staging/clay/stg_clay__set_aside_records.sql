with

source as (
    select * from {{ source('clay', 'set_aside_records') }}
),

renamed as (
    select
        -- ids
        table_id,
        record_hash,
        -- strings
        problem,
        -- timestamps
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('read_at') }} as read_at
    from source
)

select * from renamed
