with

source as (
    {{ union_salesforce_orgs('CampaignMember', 'campaign_members', [
        'Id',
        'CampaignId',
        'LeadId',
        'ContactId',
        'LastModifiedById',
        'Status',
        'ReplyClassification__c',
        'HasResponded',
        'Has_Replied__c',
        'IsDeleted',
        'FirstRespondedDate',
        'CreatedDate',
        'LastModifiedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('CampaignMember') }}
),

renamed as (
    select
        -- ids
        org,
        Id as campaign_member_id,
        CampaignId as campaign_id,
        LeadId as lead_id,
        ContactId as contact_id,
        LastModifiedById as last_modified_by_id,
        -- strings
        Status as member_status,
        ReplyClassification__c as reply_classification,
        -- booleans
        HasResponded as has_responded,
        Has_Replied__c as has_replied,
        is_deleted,
        is_visible,
        -- timestamps
        FirstRespondedDate as first_responded_on,
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('LastModifiedDate') }} as last_modified_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
