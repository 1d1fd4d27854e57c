-- Each bounce once: the webhook's notice and what polls show of the same mail meet (R11), and reviewed rules over the
-- text say what kind it is (R2). The first matching rule by priority decides; the text stays with the verdict. From as
-- many soft bounces of an address as sending_limits says, the next count as hard; at 0, the default, none ever does.
with

webhooks as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where event_type = 'EMAIL_BOUNCE' and parse_error is null
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

polled as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where is_bounced
),

notices as (
    select * from {{ ref('int_deliverability__bounce_notices') }}
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where is_email_unique
),

categories as (
    select * from {{ ref('stg_smartlead__categories') }}
),

category_map as (
    select * from {{ ref('category_map') }}
),

bounce_rules as (
    select * from {{ ref('bounce_rules') }}
),

soft_limit as (
    select max(case when limit_id = 'soft_bounces_until_hard' then value end) as soft_bounces_until_hard
    from {{ ref('sending_limits') }}
),

reported as (
    select
        coalesce(stats_id, 'webhook|' || dedupe_key) as bounce_id,
        min(smartlead_campaign_id) as smartlead_campaign_id,
        min(email) as email,
        min(mailbox) as mailbox,
        min(seq_number) as seq_number,
        max(body_text) as webhook_text,
        bool_or(is_sender_originated_bounce) as is_sender_originated,
        min(coalesce(bounced_at, received_at)) as bounced_at
    from webhooks
    group by coalesce(stats_id, 'webhook|' || dedupe_key)
),

noticed as (
    select
        stats_id,
        {{ list_text('notice_text', 'noticed_at, message_id') }} as notice_text,
        min(noticed_at) as noticed_at
    from notices
    group by stats_id
),

met as (
    select
        coalesce(polled.stats_id, reported.bounce_id) as bounce_id,
        coalesce(polled.smartlead_campaign_id, reported.smartlead_campaign_id) as smartlead_campaign_id,
        coalesce(polled.email, reported.email) as email,
        coalesce(polled.mailbox, reported.mailbox) as mailbox,
        coalesce(polled.seq_number, reported.seq_number) as seq_number,
        reported.webhook_text,
        coalesce(reported.is_sender_originated, false) as is_reported_sender_originated,
        reported.bounced_at as reported_at,
        polled.stats_id is not null as is_seen_by_poll,
        reported.bounce_id is not null as is_seen_by_webhook
    from polled
    full outer join reported on polled.stats_id = reported.bounce_id
),

with_texts as (
    select
        met.*,
        -- an address is no evidence, and could look like one to a rule
        nullif(
            trim({{ plain_text(without_addresses("concat_ws(' ', met.webhook_text, noticed.notice_text)")) }}), ''
        ) as notice_text,
        sent_mails.sent_at,
        coalesce(sent_mails.mailbox, met.mailbox) as sent_from,
        coalesce(noticed.noticed_at, met.reported_at, sent_mails.sent_at) as bounced_at,
        noticed.noticed_at is null and met.reported_at is null as is_time_estimated
    from met
    left join noticed on met.bounce_id = noticed.stats_id
    left join sent_mails on met.bounce_id = sent_mails.stats_id
),

-- each text once: a pattern out of a seed is compiled anew for every row it is tried on
texts as (
    select distinct notice_text
    from with_texts
    where notice_text is not null
),

matching_rules as (
    select
        texts.notice_text,
        bounce_rules.rule_id,
        bounce_rules.bounce_class,
        row_number() over (
            partition by texts.notice_text
            order by bounce_rules.priority, bounce_rules.rule_id
        ) as place
    from texts
    inner join bounce_rules on {{ matches('texts.notice_text', 'bounce_rules.pattern') }}
),

classified as (
    select
        with_texts.bounce_id,
        with_texts.smartlead_campaign_id,
        smartlead_members.campaign_lead_map_id,
        smartlead_members.org,
        smartlead_members.campaign_id,
        smartlead_members.campaign_member_id,
        smartlead_members.lead_id,
        with_texts.email,
        with_texts.sent_from as mailbox,
        case
            when smartlead_members.campaign_lead_map_id is null then 'not_in_roster'
            else smartlead_members.unmatched_reason
        end as unmatched_reason,
        case
            when with_texts.is_reported_sender_originated then 'sender'
            when coalesce(category_map.is_sender_bounce, false) then 'sender'
            when with_texts.notice_text is null then 'unknown'
            else coalesce(matching_rules.bounce_class, 'unknown')
        end as bounce_class,
        case
            when with_texts.is_reported_sender_originated then 'sender_flag'
            when coalesce(category_map.is_sender_bounce, false) then 'sender_category'
            when with_texts.notice_text is null then 'no_notice_text'
            else coalesce(matching_rules.rule_id, 'no_rule_matches')
        end as rule_id,
        with_texts.notice_text as evidence,
        with_texts.is_seen_by_webhook,
        with_texts.is_seen_by_poll,
        with_texts.is_time_estimated,
        with_texts.seq_number,
        with_texts.sent_at,
        with_texts.bounced_at
    from with_texts
    left join matching_rules
        on
            with_texts.notice_text = matching_rules.notice_text
            and matching_rules.place = 1
    left join smartlead_members
        on
            with_texts.smartlead_campaign_id = smartlead_members.smartlead_campaign_id
            and with_texts.email = smartlead_members.email
    left join categories on smartlead_members.category_id = categories.category_id
    left join category_map on lower(trim(categories.category)) = lower(category_map.category)
),

numbered as (
    select
        *,
        row_number() over (partition by email, bounce_class order by bounced_at, bounce_id) as number_of_its_class
    from classified
),

judged as (
    select
        numbered.*,
        coalesce(
            numbered.bounce_class = 'soft'
            and numbered.email is not null
            and soft_limit.soft_bounces_until_hard > 0
            and numbered.number_of_its_class >= soft_limit.soft_bounces_until_hard,
            false
        ) as is_escalated
    from numbered
    cross join soft_limit
),

bounces as (
    select
        bounce_id,
        smartlead_campaign_id,
        campaign_lead_map_id,
        org,
        campaign_id,
        campaign_member_id,
        lead_id,
        email,
        mailbox,
        unmatched_reason,
        case when is_escalated then 'hard' else bounce_class end as bounce_class,
        case when is_escalated then 'soft_escalated' else rule_id end as rule_id,
        evidence,
        is_seen_by_webhook,
        is_seen_by_poll,
        is_time_estimated,
        seq_number,
        sent_at,
        bounced_at
    from judged
)

select * from bounces
