-- What we last wrote in each field against what Salesforce, or HubSpot, shows now. Where that is still what stood there
-- before the write, the next load has to come first; if it has come, the write has silently failed or was undone.
with

entries as (
    select * from {{ ref('stg_writeback__ledger_entries') }}
    where entry_type = 'outcome' and outcome = 'applied'
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

members as (
    select * from {{ ref('stg_salesforce__campaign_members') }}
),

contacts as (
    select * from {{ ref('stg_writeback__written_contacts') }}
),

source_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

shown as (
    select
        org,
        lead_id as record_id,
        'external_hard_bounced__c' as field,
        case is_external_hard_bounced when true then 'true' when false then 'false' end as shown_value,
        is_deleted,
        last_modified_by_id,
        last_modified_at
    from leads
    union all
    select
        org,
        lead_id as record_id,
        'Industry' as field,
        industry as shown_value,
        is_deleted,
        last_modified_by_id,
        last_modified_at
    from leads
    union all
    select
        org,
        lead_id as record_id,
        'company_description__c' as field,
        company_description as shown_value,
        is_deleted,
        last_modified_by_id,
        last_modified_at
    from leads
    union all
    select
        org,
        campaign_member_id as record_id,
        'Has_Replied__c' as field,
        case has_replied when true then 'true' when false then 'false' end as shown_value,
        is_deleted,
        last_modified_by_id,
        last_modified_at
    from members
    union all
    select
        org,
        campaign_member_id as record_id,
        'ReplyClassification__c' as field,
        reply_classification as shown_value,
        is_deleted,
        last_modified_by_id,
        last_modified_at
    from members
    union all
    select
        'hubspot' as org,
        email as record_id,
        property as field,
        shown_value,
        is_deleted,
        cast(null as {{ dbt.type_string() }}) as last_modified_by_id,
        cast(null as {{ dbt.type_timestamp() }}) as last_modified_at
    from contacts
),

numbered as (
    select
        *,
        row_number() over (
            partition by org, object, record_id, field
            order by entry_id desc
        ) as place
    from entries
),

reconciled as (
    select
        numbered.org,
        numbered.object,
        numbered.record_id,
        numbered.field,
        numbered.after_value as written_value,
        shown.shown_value,
        case
            when shown.record_id is null and numbered.org = 'hubspot' then 'pending_reload'
            when shown.record_id is null then 'record_is_gone'
            when shown.is_deleted then 'record_is_deleted'
            when shown.shown_value = numbered.after_value then 'matching'
            when
                coalesce(trim(shown.shown_value), '')
                not in (coalesce(trim(numbered.before_value), ''), coalesce(trim(numbered.current_value), ''))
                then 'overwritten'
            when source_reads.read_at < numbered.recorded_at then 'pending_reload'
            else 'silent_failure'
        end as reconciliation_status,
        numbered.run_id,
        numbered.plan_id,
        numbered.recorded_at as written_at,
        source_reads.read_at as compared_at,
        shown.last_modified_by_id,
        shown.last_modified_at,
        -- the clocks of two machines may differ
        greatest({{ hours_between('numbered.recorded_at', 'as_of.as_of_at') }}, 0) as hours_since_written,
        'CRM Admin' as owner
    from numbered
    cross join as_of
    left join shown
        on
            numbered.org = shown.org
            and numbered.record_id = shown.record_id
            and numbered.field = shown.field
    left join source_reads
        on
            source_reads.dataset = case numbered.org
                when 'hubspot' then 'writeback'
                else 'salesforce_' || numbered.org
            end
            and source_reads.table_name = case numbered.object
                when 'Lead' then 'leads'
                when 'contacts' then 'written_contacts'
                else 'campaign_members'
            end
    where numbered.place = 1
)

select * from reconciled
