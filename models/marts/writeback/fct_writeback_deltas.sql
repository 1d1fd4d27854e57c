-- What would be written to Salesforce, and why. outreach plan reads this mart and trusts none of it.
with

judged as (
    select * from {{ ref('int_writeback__judged_candidates') }}
),

deltas as (
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
        reason,
        evidence,
        evidence_at,
        campaign_id,
        approval_id
    from judged
    where blocked_reason is null and not is_equal
)

select * from deltas
