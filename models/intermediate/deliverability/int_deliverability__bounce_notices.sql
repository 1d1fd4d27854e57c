-- Which replies are bounce notices (R2, R3). On a mail that bounced, these are: the message that the webhook named as
-- the notice, every message that a bounce rule recognises and, if there is neither, the first that came back. What
-- answers under the mail's own subject ("Re: …") is none, whatever its words, unless the webhook named it.
{%- set answering_subject = '^ *(re|res|aw|antw|antwort|sv|vs|r|rif|odp|ynt)[^a-z:]*:' %}

with

reply_messages as (
    select * from {{ ref('int_replies__reply_messages') }}
),

statistics as (
    select * from {{ ref('stg_smartlead__email_statistics') }}
    where is_bounced
),

bounce_webhooks as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where event_type = 'EMAIL_BOUNCE' and parse_error is null
),

bounce_rules as (
    select * from {{ ref('bounce_rules') }}
),

bounced_mails as (
    select stats_id from statistics
    union
    select stats_id from bounce_webhooks
    where stats_id is not null
),

named_notices as (
    select distinct message_id from bounce_webhooks
    where message_id is not null
),

candidates as (
    select
        reply_messages.*,
        {{ plain_text(without_addresses("concat_ws(' ', reply_messages.subject, reply_messages.body_text)")) }}
            as notice_text,
        named_notices.message_id is not null as is_named,
        {{ matches("coalesce(reply_messages.subject, '')", "'" ~ answering_subject ~ "'") }} as is_answer,
        bool_or(named_notices.message_id is not null) over (partition by reply_messages.stats_id) as has_named
    from reply_messages
    left join named_notices on reply_messages.message_id = named_notices.message_id
    left join bounced_mails on reply_messages.stats_id = bounced_mails.stats_id
    where bounced_mails.stats_id is not null or named_notices.message_id is not null
),

-- each text once: a pattern out of a seed is compiled anew for every row it is tried on
texts as (
    select distinct notice_text from candidates
),

recognised as (
    select distinct texts.notice_text
    from texts
    inner join bounce_rules
        on {{ matches('texts.notice_text', 'bounce_rules.pattern') }}
),

marked as (
    select
        candidates.*,
        -- Without a subject nothing but the words would tell a person's answer from a second notice.
        candidates.is_named
        or (
            recognised.notice_text is not null
            and not candidates.is_answer
            and (candidates.subject is not null or not candidates.has_named)
        ) as is_certain,
        row_number() over (
            partition by candidates.stats_id, candidates.is_answer
            order by candidates.replied_at, candidates.message_id
        ) as place
    from candidates
    left join recognised on candidates.notice_text = recognised.notice_text
),

counted as (
    select
        *,
        bool_or(is_certain) over (partition by stats_id) as has_certain
    from marked
),

notices as (
    select
        message_id,
        stats_id,
        smartlead_campaign_id,
        email,
        mailbox,
        notice_text,
        is_certain,
        replied_at as noticed_at
    from counted
    where is_certain or (place = 1 and not is_answer and not has_certain)
)

select * from notices
