-- R2: text and time of the evidence for a hard bounce are those of one bounce, and it was a hard one. A failure means
-- that the ledger would name a mail that proves nothing. Acts: analytics engineering; nothing may be pushed.
with

candidates as (
    select * from {{ ref('int_writeback__candidates') }}
    where field = 'external_hard_bounced__c' and held_reason is null
),

hard_bounces as (
    select * from {{ ref('fct_bounce_events') }}
    where is_hard_bounce
),

-- an inner join: a left join with "like" in it compares every candidate with every bounce
proven as (
    select distinct
        candidates.org,
        candidates.record_id
    from candidates
    inner join hard_bounces
        on
            candidates.org = hard_bounces.org
            and candidates.lead_id = hard_bounces.lead_id
            and candidates.evidence_at = hard_bounces.bounced_at
    where candidates.evidence like '%' || hard_bounces.bounce_id || '%'
)

select candidates.*
from candidates
left join proven
    on
        candidates.org = proven.org
        and candidates.record_id = proven.record_id
where proven.record_id is null
