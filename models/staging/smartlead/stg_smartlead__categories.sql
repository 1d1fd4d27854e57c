with

source as (
    select * from {{ source('smartlead', 'categories') }}
),

renamed as (
    select
        -- ids
        id as category_id,
        -- strings
        name as category,
        sentiment_type as sentiment
    from source
)

select * from renamed
