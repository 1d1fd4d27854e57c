-- What each step of a sequence brought. Counted in mails, because one person gets several; an answer belongs to the
-- mail that it answers.
with

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

bounces as (
    select * from {{ ref('fct_bounce_events') }}
),

replies as (
    select * from {{ ref('fct_reply_events') }}
    where is_human_response and stats_id is not null
),

members as (
    select * from {{ ref('dim_campaign_members') }}
    where first_positive_at is not null
),

sequences as (
    select * from {{ ref('stg_smartlead__sequences') }}
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

numbered_replies as (
    select
        replies.stats_id,
        members.campaign_member_id is not null
        and row_number() over (
            partition by replies.org, replies.campaign_member_id, members.campaign_member_id is not null
            order by replies.replied_at desc, replies.reply_id asc
        ) = 1 as is_positive
    from replies
    left join members
        on
            replies.org = members.org
            and replies.campaign_member_id = members.campaign_member_id
            and replies.replied_at <= members.first_positive_at
),

answered as (
    select
        stats_id,
        bool_or(is_positive) as is_positive
    from numbered_replies
    group by stats_id
),

outcomes as (
    select
        sent_mails.smartlead_campaign_id,
        sent_mails.seq_number,
        sent_mails.is_open_tracked,
        sent_mails.opened_at is not null as is_opened,
        bounces.bounce_id is not null as is_bounced,
        coalesce(bounces.is_hard_bounce, false) as is_hard_bounced,
        answered.stats_id is not null as is_answered,
        coalesce(answered.is_positive, false) as is_positive
    from sent_mails
    left join bounces on sent_mails.stats_id = bounces.bounce_id
    left join answered on sent_mails.stats_id = answered.stats_id
),

counted as (
    select
        smartlead_campaign_id,
        seq_number,
        count(*) as mails_sent,
        count(case when not is_bounced then 1 end) as mails_delivered,
        case when bool_or(is_open_tracked) then count(case when is_opened and is_open_tracked then 1 end) end
            as mails_opened,
        count(case when is_answered then 1 end) as mails_replied,
        count(case when is_positive then 1 end) as mails_positive,
        count(case when is_hard_bounced then 1 end) as mails_hard_bounced
    from outcomes
    group by smartlead_campaign_id, seq_number
),

with_templates as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        counted.*,
        {{ template_hash('sequences') }} as template_hash
    from counted
    left join campaign_map on counted.smartlead_campaign_id = campaign_map.smartlead_campaign_id
    left join sequences
        on
            counted.smartlead_campaign_id = sequences.smartlead_campaign_id
            and counted.seq_number = sequences.seq_number
),

with_rates as (
    {{ named_rates('with_templates', [
        ('reply_rate_per_delivered_mail', 'mails_replied', 'mails_delivered'),
        ('positive_rate_per_delivered_mail', 'mails_positive', 'mails_delivered'),
        ('hard_bounce_rate_per_mail', 'mails_hard_bounced', 'mails_sent')
    ]) }}
)

select * from with_rates
