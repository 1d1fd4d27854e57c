with

source as (
    select * from {{ source('writeback', 'written_contacts') }}
),

renamed as (
    select
        -- ids
        email,
        -- strings
        property,
        shown_value,
        -- booleans
        is_deleted
    from source
)

select * from renamed
