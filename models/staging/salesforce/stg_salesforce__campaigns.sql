with

source as (
    {{ union_salesforce_orgs('Campaign', 'campaigns', [
        'Id',
        'OwnerId',
        'Name',
        'GBU__c',
        'Status',
        'AI_Outreach__c',
        'IsActive',
        'IsDeleted',
        'StartDate',
        'EndDate',
        'CreatedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Campaign') }}
),

renamed as (
    select
        -- ids
        org,
        Id as campaign_id,
        OwnerId as owner_id,
        -- strings
        Name as campaign_name,
        GBU__c as gbu,
        Status as campaign_status,
        -- booleans
        AI_Outreach__c as is_ai_outreach,
        IsActive as is_active,
        is_deleted,
        is_visible,
        -- timestamps
        StartDate as starts_on,
        EndDate as ends_on,
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
