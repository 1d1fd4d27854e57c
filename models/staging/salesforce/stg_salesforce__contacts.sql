with

source as (
    {{ union_salesforce_orgs('Contact', 'contacts', [
        'Id',
        'AccountId',
        'OwnerId',
        'FirstName',
        'LastName',
        'Email',
        'HasOptedOutOfEmail',
        'IsDeleted',
        'CreatedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Contact') }}
),

renamed as (
    select
        -- ids
        org,
        Id as contact_id,
        AccountId as account_id,
        OwnerId as owner_id,
        -- strings
        FirstName as first_name,
        LastName as last_name,
        nullif(lower(trim(Email)), '') as email,
        -- booleans
        HasOptedOutOfEmail as has_opted_out_of_email,
        is_deleted,
        is_visible,
        -- timestamps
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
