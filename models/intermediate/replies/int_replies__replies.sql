-- What came back for each mail, judged (R3): a bounce notice, an automatic reply, or the answer of a person. A reply
-- that only the statistics know counts as well, once, however many steps show it; a category alone proves nothing.
with

reply_messages as (
    select * from {{ ref('int_replies__reply_messages') }}
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

answered_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where replied_at is not null
),

bounce_notices as (
    select * from {{ ref('int_deliverability__bounce_notices') }}
),

category_changes as (
    select * from {{ ref('int_replies__category_changes') }}
),

category_map as (
    select * from {{ ref('category_map') }}
),

automatic_reply_rules as (
    select * from {{ ref('automatic_reply_rules') }}
),

-- few of them have replied
smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where
        is_email_unique
        and email in (
            select reply_messages.email from reply_messages
            union all
            select answered_mails.email from answered_mails
        )
),

-- The statistics know a reply by its time only. A message of that lead within five minutes is the same reply.
statistics_replies as (
    select
        smartlead_campaign_id,
        email,
        replied_at,
        min(stats_id) as stats_id,
        min(mailbox) as mailbox,
        min(seq_number) as seq_number,
        min(category) as category,
        bool_or(is_bounced) as is_bounced,
        bool_or(is_reply_ignored) as is_reply_ignored
    from answered_mails
    group by smartlead_campaign_id, email, replied_at
),

replies_with_message as (
    select distinct
        statistics_replies.smartlead_campaign_id,
        statistics_replies.email,
        statistics_replies.replied_at
    from statistics_replies
    inner join reply_messages
        on
            statistics_replies.smartlead_campaign_id = reply_messages.smartlead_campaign_id
            and statistics_replies.email = reply_messages.email
            and abs({{ hours_between('statistics_replies.replied_at', 'reply_messages.replied_at') }}) * 60 <= 5
),

replies_without_message as (
    select statistics_replies.*
    from statistics_replies
    left join replies_with_message
        on
            statistics_replies.smartlead_campaign_id = replies_with_message.smartlead_campaign_id
            and statistics_replies.email = replies_with_message.email
            and statistics_replies.replied_at = replies_with_message.replied_at
    where replies_with_message.email is null
),

reply_texts as (
    select
        message_id,
        'subject' as field,
        subject as reply_text
    from reply_messages
    union all
    select
        message_id,
        'body_preview' as field,
        body_text as reply_text
    from reply_messages
),

-- each text once: a pattern out of a seed is compiled anew for every row it is tried on
texts as (
    select distinct
        field,
        reply_text
    from reply_texts
),

recognised_texts as (
    select
        texts.field,
        texts.reply_text,
        automatic_reply_rules.rule_id
    from texts
    inner join automatic_reply_rules
        on
            texts.field = automatic_reply_rules.field
            and {{ matches('texts.reply_text', 'automatic_reply_rules.pattern') }}
),

matching_rules as (
    select
        reply_texts.message_id,
        min(recognised_texts.rule_id) as rule_id
    from reply_texts
    inner join recognised_texts
        on
            reply_texts.field = recognised_texts.field
            and reply_texts.reply_text = recognised_texts.reply_text
    group by reply_texts.message_id
),

all_replies as (
    select
        reply_messages.message_id as reply_id,
        reply_messages.message_id,
        reply_messages.stats_id,
        reply_messages.smartlead_campaign_id,
        reply_messages.email,
        reply_messages.mailbox,
        cast(null as {{ dbt.type_string() }}) as statistics_category,
        matching_rules.rule_id as automatic_rule_id,
        bounce_notices.message_id is not null as is_bounce_notice,
        coalesce(sent_mails.is_reply_ignored, false) as is_reply_ignored,
        reply_messages.is_seen_by_poll,
        reply_messages.is_seen_by_webhook,
        true as has_message,
        coalesce(reply_messages.seq_number, sent_mails.seq_number) as seq_number,
        reply_messages.replied_at
    from reply_messages
    left join bounce_notices on reply_messages.message_id = bounce_notices.message_id
    left join matching_rules on reply_messages.message_id = matching_rules.message_id
    left join sent_mails on reply_messages.stats_id = sent_mails.stats_id
    union all
    select
        'statistics|' || stats_id as reply_id,
        cast(null as {{ dbt.type_string() }}) as message_id,
        stats_id,
        smartlead_campaign_id,
        email,
        mailbox,
        category as statistics_category,
        cast(null as {{ dbt.type_string() }}) as automatic_rule_id,
        is_bounced as is_bounce_notice,
        is_reply_ignored,
        true as is_seen_by_poll,
        false as is_seen_by_webhook,
        false as has_message,
        seq_number,
        replied_at
    from replies_without_message
),

with_members as (
    select
        all_replies.*,
        smartlead_members.campaign_lead_map_id,
        smartlead_members.org,
        smartlead_members.campaign_id,
        smartlead_members.campaign_member_id,
        smartlead_members.lead_id,
        case
            when smartlead_members.campaign_lead_map_id is null then 'not_in_roster'
            else smartlead_members.unmatched_reason
        end as unmatched_reason,
        lead(all_replies.replied_at) over (
            partition by all_replies.smartlead_campaign_id, all_replies.email, all_replies.is_bounce_notice
            order by all_replies.replied_at, all_replies.reply_id
        ) as next_replied_at
    from all_replies
    left join smartlead_members
        on
            all_replies.smartlead_campaign_id = smartlead_members.smartlead_campaign_id
            and all_replies.email = smartlead_members.email
),

-- A category speaks of the reply after which it was set: the last one before the next reply.
category_candidates as (
    select
        with_members.reply_id,
        category_changes.category,
        row_number() over (
            partition by with_members.reply_id
            order by category_changes.changed_at desc, category_changes.change_number desc
        ) as place
    from with_members
    inner join category_changes
        on
            with_members.campaign_lead_map_id = category_changes.campaign_lead_map_id
            and with_members.replied_at <= category_changes.changed_at
            and (
                with_members.next_replied_at is null
                or with_members.next_replied_at > category_changes.changed_at
            )
),

with_categories as (
    select
        with_members.*,
        coalesce(category_candidates.category, with_members.statistics_category) as category
    from with_members
    left join category_candidates
        on
            with_members.reply_id = category_candidates.reply_id
            and category_candidates.place = 1
),

judged as (
    select
        with_categories.*,
        not with_categories.is_bounce_notice and (
            with_categories.automatic_rule_id is not null
            or with_categories.is_reply_ignored
            or coalesce(category_map.is_automatic_reply, false)
        ) as is_automatic,
        coalesce(category_map.is_automatic_reply and category_map.is_human_response, false) as is_counted_anyway,
        coalesce(category_map.is_sender_bounce and not with_categories.has_message, false) as is_sender_bounce
    from with_categories
    left join category_map on lower(trim(with_categories.category)) = lower(category_map.category)
),

replies as (
    select
        *,
        not is_bounce_notice
        and not is_sender_bounce
        and (not is_automatic or is_counted_anyway) as is_human_response
    from judged
)

select * from replies
