with

source as (
    {{ union_salesforce_orgs('User', 'users', [
        'Id',
        'Name',
        'Email',
        'IsActive',
        'SystemModstamp'
    ]) }}
),

renamed as (
    select
        -- ids
        org,
        Id as user_id,
        -- strings
        Name as user_name,
        nullif(lower(trim(Email)), '') as email,
        -- booleans
        IsActive as is_active,
        -- timestamps
        {{ to_utc('SystemModstamp') }} as updated_at
    from source
)

select * from renamed
