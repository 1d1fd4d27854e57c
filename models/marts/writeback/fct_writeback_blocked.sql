{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_event_fields() }}",
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

-- What the evidence wants in Salesforce and a rule holds back, with the reason and who decides.
with

judged as (
    select * from {{ ref('int_writeback__judged_candidates') }}
    {%- if is_incremental() %}
        where field in {{ event_fields() }}
    {%- endif %}
),

blocked as (
    select
        delta_id,
        org,
        object,
        record_id,
        field,
        before_value,
        after_value,
        value_type,
        policy,
        blocked_reason,
        reason,
        evidence,
        evidence_at,
        campaign_id,
        approval_id,
        coalesce(owner, 'CRM Admin') as owner
    from judged
    where blocked_reason is not null and not is_equal
)

select * from blocked
