-- Reply state: who answered, and how often
with answered as (
    select smartlead_campaign_id, email, count(*) as replies
    from read_parquet('$truth/smartlead_replies.parquet') where true_kind = 'human' group by all
)

select
    org || ' ' || campaign_member_id as id,
    [(replies is not null)::int, coalesce(replies, 0)] as expected,
    [has_proven_reply::int, reply_count] as found
from known_members
left join answered using (smartlead_campaign_id, email)
left join published.marts.fct_member_reply_state using (org, campaign_member_id)
