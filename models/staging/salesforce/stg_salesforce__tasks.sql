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
        IsDeleted as is_deleted,
        -- timestamps
        ActivityDate as activity_on,
        {{ to_utc('CreatedDate') }} as created_at,
        {{ to_utc('SystemModstamp') }} as updated_at
    from source
)

select * from renamed
