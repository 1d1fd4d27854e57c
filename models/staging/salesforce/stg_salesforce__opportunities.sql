with

source as (
    {{ union_salesforce_orgs('Opportunity', 'opportunities', [
        'Id',
        'AccountId',
        'IsClosed',
        'IsDeleted',
        'CreatedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Opportunity') }}
),

renamed as (
    select
        -- ids
        org,
        Id as opportunity_id,
        AccountId as account_id,
        -- booleans
        IsClosed as is_closed,
        is_deleted,
        is_visible,
        -- timestamps
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
