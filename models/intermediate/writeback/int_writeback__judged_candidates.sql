{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_event_fields() }}",
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

-- The rules over the candidate of each field: what holds it back, or null (R1, R3, R4, R10). Of several for one field
-- the newest with sound evidence counts, and none where those contradict each other. Python checks all of it again.
with

candidates as (
    select * from {{ ref('int_writeback__candidates') }}
    {%- if is_incremental() %}
        where field in {{ event_fields() }}
    {%- endif %}
),

allowlist as (
    select * from {{ ref('field_allowlist') }}
),

-- R5: a campaign's id of 15 characters is the same record
approvals as (
    select
        org,
        {{ salesforce_id_18('campaign_id') }} as campaign_id,
        object,
        field,
        approval_id,
        valid_from,
        valid_until
    from {{ ref('legal_approvals') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

-- with the object as a column: a left join that asks it of the candidate compares every candidate with every member
members as (
    select
        org,
        'CampaignMember' as object,
        campaign_member_id as record_id,
        last_modified_at
    from {{ ref('stg_salesforce__campaign_members') }}
),

ledger_entries as (
    select * from {{ ref('stg_writeback__ledger_entries') }}
    where entry_type = 'outcome' and outcome = 'applied'
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

numbered_candidates as (
    select
        *,
        row_number() over (
            partition by org, object, record_id, field
            order by
                case when held_reason is null then 1 else 2 end asc,
                evidence_at desc,
                evidence asc
        ) as place
    from candidates
),

contradicted_fields as (
    select
        org,
        object,
        record_id,
        field
    from candidates
    where held_reason is null
    group by org, object, record_id, field
    having min(after_value) <> max(after_value)
),

contradictions as (
    select
        candidates.org,
        candidates.object,
        candidates.record_id,
        candidates.field,
        {{ list_text('candidates.evidence', 'candidates.evidence_at desc, candidates.evidence') }} as evidence
    from candidates
    inner join contradicted_fields
        on
            candidates.org = contradicted_fields.org
            and candidates.object = contradicted_fields.object
            and candidates.record_id = contradicted_fields.record_id
            and candidates.field = contradicted_fields.field
    where candidates.held_reason is null
    group by candidates.org, candidates.object, candidates.record_id, candidates.field
),

numbered_writes as (
    select
        org,
        object,
        record_id,
        field,
        after_value,
        row_number() over (
            partition by org, object, record_id, field
            order by entry_id desc
        ) as place
    from ledger_entries
),

own_writes as (
    select * from numbered_writes
    where place = 1
),

valid_approvals as (
    select
        approvals.org,
        approvals.campaign_id,
        approvals.object,
        approvals.field,
        min(approvals.approval_id) as approval_id
    from approvals
    cross join as_of
    where cast(as_of.as_of_at as date) between approvals.valid_from and approvals.valid_until
    group by approvals.org, approvals.campaign_id, approvals.object, approvals.field
),

with_rules as (
    select
        candidates.org,
        candidates.object,
        candidates.record_id,
        candidates.field,
        candidates.before_value,
        candidates.after_value,
        candidates.reason,
        contradictions.field is not null as is_contradicted,
        coalesce(contradictions.evidence, candidates.evidence) as evidence,
        candidates.evidence_at,
        candidates.campaign_id,
        candidates.held_reason,
        allowlist.status,
        allowlist.policy,
        allowlist.value_type,
        allowlist.approval_required,
        allowlist.owner,
        coalesce(allowlist.is_writable, false) as is_writable,
        valid_approvals.approval_id,
        coalesce(leads.is_converted, false) as is_converted,
        coalesce(leads.is_deleted, false) as is_deleted,
        leads.merged_into_lead_id is not null as is_merged,
        -- a value that is not the one we wrote last is another's word; a value that we wrote and is gone as well
        coalesce(trim(candidates.before_value), '') <> coalesce(own_writes.after_value, '') as is_of_others,
        members.last_modified_at
    from numbered_candidates as candidates
    left join contradictions
        on
            candidates.org = contradictions.org
            and candidates.object = contradictions.object
            and candidates.record_id = contradictions.record_id
            and candidates.field = contradictions.field
    left join allowlist
        on
            candidates.object = allowlist.object
            and candidates.field = allowlist.field
    left join valid_approvals
        on
            candidates.org = valid_approvals.org
            and candidates.campaign_id = valid_approvals.campaign_id
            and candidates.object = valid_approvals.object
            and candidates.field = valid_approvals.field
    left join leads
        on
            candidates.org = leads.org
            and candidates.lead_id = leads.lead_id
    left join own_writes
        on
            candidates.org = own_writes.org
            and candidates.object = own_writes.object
            and candidates.record_id = own_writes.record_id
            and candidates.field = own_writes.field
    left join members
        on
            candidates.org = members.org
            and candidates.object = members.object
            and candidates.record_id = members.record_id
    where candidates.place = 1
),

judged as (
    select
        org || '|' || object || '|' || record_id || '|' || field as delta_id,
        org,
        object,
        record_id,
        field,
        before_value,
        after_value,
        value_type,
        policy,
        reason,
        evidence,
        evidence_at,
        campaign_id,
        approval_id,
        owner,
        coalesce(before_value = after_value, false) and not is_contradicted as is_equal,
        case
            when policy is null then 'not on the allowlist'
            when not is_writable or policy = 'never' then 'never written'
            when status <> 'active' then 'pending legal'
            when approval_required and approval_id is null then 'no approval is valid for the campaign'
            when is_deleted and is_merged then 'the lead was merged into another'
            when is_deleted then 'the lead is deleted'
            when object = 'Lead' and is_converted then 'the lead is converted'
            when held_reason is not null then held_reason
            when is_contradicted then 'candidates contradict each other'
            when policy = 'only_if_blank' and nullif(trim(before_value), '') is not null
                then 'Salesforce has a value already'
            -- nobody knows when it was set, so it counts as set when the record was last changed
            when policy = 'latest_wins' and is_of_others and coalesce(evidence_at <= last_modified_at, true)
                then 'somebody changed the value in Salesforce after this evidence'
        end as blocked_reason
    from with_rules
)

-- The fields of events lie together at the end, and so in what is made of this table: rows that are replaced where they
-- lie scattered make DuckDB write the whole table anew.
select * from judged
{% if can_replace_rows() -%}
    order by case when field in {{ event_fields() }} then 2 else 1 end
{%- endif %}
