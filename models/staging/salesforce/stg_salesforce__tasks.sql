with

source as (
    {{ union_salesforce_orgs('Task', 'tasks', [
        'Id',
        'WhoId',
        'OwnerId',
        'Subject',
        'Status',
        'TaskSubtype',
        'IsDeleted',
        'ActivityDate',
        'CreatedDate',
        'SystemModstamp'
    ]) }}
),

with_presence as (
    {{ salesforce_presence('Task') }}
),

renamed as (
    select
        -- ids
        org,
        Id as task_id,
        WhoId as who_id,
        OwnerId as owner_id,
        -- strings
        Subject as subject,
        Status as task_status,
        TaskSubtype as task_subtype,
        -- booleans
        is_deleted,
        is_visible,
        -- timestamps
        ActivityDate as activity_on,
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from with_presence
)

select * from renamed
