-- R3: a member has replied because a person's reply is known or because Salesforce already says so, and what Salesforce
-- says is never taken back. A failure would write, or lose, a reply. Acts: analytics engineering.
with

reply_state as (
    select * from {{ ref('fct_member_reply_state') }}
),

responses as (
    select distinct
        org,
        campaign_member_id
    from {{ ref('fct_reply_events') }}
    where is_human_response and not is_bounce_notice and campaign_member_id is not null
)

select reply_state.*
from reply_state
left join responses
    on
        reply_state.org = responses.org
        and reply_state.campaign_member_id = responses.campaign_member_id
where
    (reply_state.has_replied_in_salesforce and not reply_state.has_replied)
    or (reply_state.has_proven_reply and responses.campaign_member_id is null)
    or (reply_state.has_replied and not reply_state.has_replied_in_salesforce and responses.campaign_member_id is null)
    or (reply_state.proven_classification is not null and not reply_state.has_proven_reply)
