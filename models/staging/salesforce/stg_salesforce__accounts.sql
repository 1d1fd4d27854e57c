with

source as (
    {{ union_salesforce_orgs('Account', 'accounts', [
        'Id',
        'OwnerId',
        'Name',
        'Website',
        'Type',
        'Industry',
        'Is_Customer__c',
        'Is_Partner__c',
        'IsDeleted',
        'CreatedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Account') }}
),

renamed as (
    select
        -- ids
        org,
        Id as account_id,
        OwnerId as owner_id,
        -- strings
        Name as account_name,
        Website as website,
        Type as account_type,
        Industry as industry,
        Is_Customer__c as customer_flag,
        Is_Partner__c as partner_flag,
        -- booleans
        is_deleted,
        is_visible,
        -- timestamps
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
