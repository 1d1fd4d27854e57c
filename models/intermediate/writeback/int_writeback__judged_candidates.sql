-- The rules over every candidate: what holds it back, or null (R1, R3, R4, R10). Python checks all of it again.
with

candidates as (
    select * from {{ ref('int_writeback__candidates') }}
),

allowlist as (
    select * from {{ ref('field_allowlist') }}
),

approvals as (
    select * from {{ ref('legal_approvals') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
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
        candidates.*,
        allowlist.status,
        allowlist.policy,
        allowlist.value_type,
        allowlist.approval_required,
        allowlist.owner,
        coalesce(allowlist.is_writable, false) as is_writable,
        valid_approvals.approval_id,
        coalesce(leads.is_converted, false) as is_converted,
        coalesce(leads.is_deleted, false) as is_deleted
    from candidates
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
        coalesce(before_value = after_value, false) as is_equal,
        case
            when policy is null then 'not on the allowlist'
            when not is_writable or policy = 'never' then 'never written'
            when status <> 'active' then 'pending legal'
            when approval_required and approval_id is null then 'no approval is valid for the campaign'
            when is_deleted then 'the lead is deleted'
            when object = 'Lead' and is_converted then 'the lead is converted'
            when policy = 'only_if_blank' and nullif(trim(before_value), '') is not null
                then 'Salesforce has a value already'
        end as blocked_reason
    from with_rules
)

select * from judged
