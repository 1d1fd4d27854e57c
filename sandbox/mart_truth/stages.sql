-- Funnel: when each member was mailed, reached, opened, and answered
with mails as (
    select smartlead_campaign_id, email, stage, min(cast(sent_at as timestamptz)) as reached_at
    from read_parquet('$truth/smartlead_mails.parquet')
    cross join (values ('sent'), ('delivered')) as stages(stage)
    where stage = 'sent' or is_bounced = 0
    group by all
),

reached as (
    from mails
    union all
    select smartlead_campaign_id, email, 'opened', min(cast(opened_at as timestamptz))
    from read_parquet('$truth/smartlead_mails.parquet') as opened
    semi join (from staging.stg_smartlead__campaigns where is_open_tracked) using (smartlead_campaign_id)
    where opened_at is not null group by all
    union all
    select smartlead_campaign_id, email, 'replied', min(cast(replied_at as timestamptz))
    from read_parquet('$truth/smartlead_replies.parquet') where true_kind = 'human' group by all
),

expected as (
    select org, campaign_member_id, stage, reached_at at time zone 'UTC' as reached_at
    from reached
    join known_members using (smartlead_campaign_id, email)
),

found as (
    from published.marts.fct_funnel_stage_events semi join known_members using (org, campaign_member_id)
    where stage in ('sent', 'delivered', 'opened', 'replied') and reached_at is not null
)

select
    concat_ws(' ', org, campaign_member_id, stage) as id,
    strftime(expected.reached_at, '%x %X') as expected,
    strftime(found.reached_at, '%x %X') as found
from expected
full join found using (org, campaign_member_id, stage)
