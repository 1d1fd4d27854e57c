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
)

select candidates.*
from candidates
left join hard_bounces
    on
        candidates.org = hard_bounces.org
        and candidates.lead_id = hard_bounces.lead_id
        and candidates.evidence_at = hard_bounces.bounced_at
        and candidates.evidence like '%' || hard_bounces.bounce_id || '%'
where hard_bounces.bounce_id is null
