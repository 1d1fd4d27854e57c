with

source as (
    {{ union_salesforce_orgs('Lead', 'leads', [
        'Id',
        'OwnerId',
        'Matched_Account__c',
        'ConvertedContactId',
        'ConvertedAccountId',
        'MasterRecordId',
        'LastModifiedById',
        'FirstName',
        'LastName',
        'Email',
        'Company',
        'Title',
        'Country',
        'Industry',
        'Status',
        'GBU__c',
        'company_description__c',
        'HasOptedOutOfEmail',
        'IsConverted',
        'IsDeleted',
        'pi__pardot_hard_bounced__c',
        'external_hard_bounced__c',
        'ConvertedDate',
        'CreatedDate',
        'LastModifiedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Lead') }}
),

renamed as (
    select
        -- ids
        org,
        Id as lead_id,
        OwnerId as owner_id,
        Matched_Account__c as matched_account_id,
        ConvertedContactId as converted_contact_id,
        ConvertedAccountId as converted_account_id,
        MasterRecordId as merged_into_lead_id,
        LastModifiedById as last_modified_by_id,
        -- strings
        FirstName as first_name,
        LastName as last_name,
        case when Email != '[erased]' then nullif(lower(trim(Email)), '') end as email,
        Company as company,
        Title as title,
        Country as country,
        Industry as industry,
        Status as lead_status,
        GBU__c as gbu,
        company_description__c as company_description,
        -- booleans
        coalesce(Email = '[erased]', false) as is_erased, -- the loader's word, in place of all that it knew
        HasOptedOutOfEmail as has_opted_out_of_email,
        IsConverted as is_converted,
        is_deleted,
        is_visible,
        pi__pardot_hard_bounced__c as is_pardot_hard_bounced,
        external_hard_bounced__c as is_external_hard_bounced,
        -- timestamps
        ConvertedDate as converted_on,
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('LastModifiedDate') }} as last_modified_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
