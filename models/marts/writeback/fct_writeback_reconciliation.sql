-- What we last wrote in each field against what Salesforce shows now, after the next load.
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

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

shown as (
    select
        org,
        lead_id as record_id,
        'external_hard_bounced__c' as field,
        case when is_external_hard_bounced then 'true' else 'false' end as shown_value
    from leads
    union all
    select
        org,
        lead_id as record_id,
        'Industry' as field,
        industry as shown_value
    from leads
    union all
    select
        org,
        lead_id as record_id,
        'company_description__c' as field,
        company_description as shown_value
    from leads
    union all
    select
        org,
        campaign_member_id as record_id,
        'Has_Replied__c' as field,
        case when has_replied then 'true' else 'false' end as shown_value
    from members
    union all
    select
        org,
        campaign_member_id as record_id,
        'ReplyClassification__c' as field,
        reply_classification as shown_value
    from members
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
            when shown.record_id is null then 'record is gone'
            when shown.shown_value = numbered.after_value then 'matching'
            else 'overwritten'
        end as reconciliation_status,
        numbered.run_id,
        numbered.plan_id,
        numbered.recorded_at as written_at,
        as_of.as_of_at as compared_at,
        'CRM Admin' as owner
    from numbered
    cross join as_of
    left join shown
        on
            numbered.org = shown.org
            and numbered.record_id = shown.record_id
            and numbered.field = shown.field
    where numbered.place = 1
)

select * from reconciled
