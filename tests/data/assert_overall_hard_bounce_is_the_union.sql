-- R2: true when either signal is true, false only when both are false. A failure means that one signal overrides the
-- other. Acts: analytics engineering; nothing may be published.
with

lead_bounces as (
    select * from {{ ref('fct_lead_bounces') }}
)

select *
from lead_bounces
where
    (
        (coalesce(is_pardot_hard_bounced, false) or coalesce(is_external_hard_bounced, false))
        and not coalesce(is_overall_hard_bounced, false)
    )
    or (
        is_overall_hard_bounced is not null
        and not is_overall_hard_bounced
        and (is_pardot_hard_bounced is null or is_external_hard_bounced is null)
    )
