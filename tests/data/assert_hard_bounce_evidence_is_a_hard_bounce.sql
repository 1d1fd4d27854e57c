-- R2: a lead counts as bounced by evidence only if one of its mails bounced hard, and never because of a soft, policy,
-- sender or unknown bounce. A failure would write a wrong flag to Salesforce. Acts: analytics engineering.
with

lead_bounces as (
    select * from {{ ref('fct_lead_bounces') }}
    where has_hard_bounce_evidence
),

hard_bounces as (
    select distinct
        org,
        lead_id
    from {{ ref('fct_bounce_events') }}
    where bounce_class = 'hard'
)

select lead_bounces.*
from lead_bounces
left join hard_bounces
    on
        lead_bounces.org = hard_bounces.org
        and lead_bounces.lead_id = hard_bounces.lead_id
where hard_bounces.lead_id is null
