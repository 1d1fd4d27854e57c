-- R1: whatever the evidence wants in a field is exactly one of three: already in Salesforce, blocked with a reason, or
-- a delta. A failure means that a change was lost on the way, or would be pushed although it is blocked. Acts:
-- analytics engineering; nothing may be pushed.
with

candidates as (
    select distinct org || '|' || object || '|' || record_id || '|' || field as delta_id
    from {{ ref('int_writeback__candidates') }}
),

fates as (
    select
        delta_id,
        'delta' as fate
    from {{ ref('fct_writeback_deltas') }}
    union all
    select
        delta_id,
        'blocked' as fate
    from {{ ref('fct_writeback_blocked') }}
    union all
    select
        delta_id,
        'equal' as fate
    from {{ ref('int_writeback__judged_candidates') }}
    where is_equal
)

select
    coalesce(candidates.delta_id, fates.delta_id) as delta_id,
    count(fates.fate) as fate_count
from candidates
full outer join fates on candidates.delta_id = fates.delta_id
group by coalesce(candidates.delta_id, fates.delta_id)
having count(fates.fate) != 1 or count(candidates.delta_id) = 0
