-- R5: what came back and stands for no member, with the reason. Nothing here is guessed onto a record. What a webhook
-- and a poll show of one event is one row (R11).
with

checks as (
    select * from {{ ref('int_audience__key_checks') }}
    where unmatched_reason is not null
),

reply_events as (
    select * from {{ ref('int_replies__replies') }}
    where unmatched_reason is not null
),

bounce_events as (
    select * from {{ ref('int_deliverability__bounces') }}
    where unmatched_reason is not null
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

living_leads as (
    select
        org,
        lead_id
    from {{ ref('stg_salesforce__leads') }}
    where not is_deleted
),

members as (
    select members.*
    from {{ ref('int_audience__members') }} as members
    inner join living_leads
        on
            members.org = living_leads.org
            and members.lead_id = living_leads.lead_id
    where members.is_ai_outreach
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where is_unsubscribed
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where is_email_unique
),

webhooks as (
    select
        *,
        case
            when event_type = 'EMAIL_REPLY' then coalesce(message_id, 'webhook|' || dedupe_key)
            else coalesce(stats_id, 'webhook|' || dedupe_key)
        end as event_key
    from {{ ref('stg_smartlead__webhook_events') }}
    where parse_error is null
),

callbacks as (
    select * from {{ ref('stg_clay__callback_events') }}
),

source_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
),

receipts as (
    select
        case event_type when 'EMAIL_REPLY' then 'smartlead_reply' else 'smartlead_bounce' end as event_source,
        event_key,
        min(received_at) as received_at
    from webhooks
    where event_type in ('EMAIL_REPLY', 'EMAIL_BOUNCE')
    group by event_type, event_key
    union all
    select
        'clay_callback' as event_source,
        cast(event_id as {{ dbt.type_string() }}) as event_key,
        received_at
    from callbacks
),

unsubscriptions as (
    select
        smartlead_campaign_id,
        email,
        coalesce(email, stats_id) as person,
        stats_id as event_key,
        org,
        unmatched_reason,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as received_at
    from sent_mails
    union all
    select
        webhooks.smartlead_campaign_id,
        webhooks.email,
        coalesce(webhooks.email, webhooks.event_key) as person,
        webhooks.event_key,
        smartlead_members.org,
        case
            when smartlead_members.campaign_lead_map_id is null then 'not_in_roster'
            else smartlead_members.unmatched_reason
        end as unmatched_reason,
        webhooks.event_at as occurred_at,
        webhooks.received_at
    from webhooks
    left join smartlead_members
        on
            webhooks.smartlead_campaign_id = smartlead_members.smartlead_campaign_id
            and webhooks.email = smartlead_members.email
    where webhooks.event_type = 'LEAD_UNSUBSCRIBED'
),

unsubscribed as (
    select
        smartlead_campaign_id,
        min(email) as email,
        min(event_key) as event_key,
        min(org) as org,
        min(unmatched_reason) as unmatched_reason,
        min(occurred_at) as occurred_at,
        min(received_at) as received_at
    from unsubscriptions
    where unmatched_reason is not null
    group by smartlead_campaign_id, person
),

unmatched as (
    select
        claim_source as event_source,
        claim_key as event_key,
        org,
        unmatched_reason,
        smartlead_campaign_id,
        mapped_campaign_id,
        email,
        campaign_member_id_as_received,
        lead_id_as_received,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as received_at,
        case claim_source
            when 'smartlead_address' then 'writeback'
            when 'smartlead_lead' then 'smartlead'
            else 'clay'
        end as dataset,
        case claim_source
            when 'smartlead_address' then 'accepted_matches'
            when 'smartlead_lead' then 'campaign_leads'
            when 'clay_row' then 'table_rows'
            when 'clay_csv_row' then 'csv_rows'
            else 'callback_events'
        end as table_name
    from checks
    {%- for relation, source, key, occurred_at, received_at, table in [
        ('reply_events', 'smartlead_reply', 'reply_id', 'replied_at', none, 'messages'),
        ('bounce_events', 'smartlead_bounce', 'bounce_id', 'bounced_at', none, 'email_statistics'),
        ('unsubscribed', 'smartlead_unsubscription', 'event_key', 'occurred_at', 'received_at', 'email_statistics'),
    ] %}
        union all
        select
            '{{ source }}' as event_source,
            {{ key }} as event_key,
            org,
            unmatched_reason,
            smartlead_campaign_id,
            cast(null as {{ dbt.type_string() }}) as mapped_campaign_id,
            email,
            cast(null as {{ dbt.type_string() }}) as campaign_member_id_as_received,
            cast(null as {{ dbt.type_string() }}) as lead_id_as_received,
            {{ occurred_at }} as occurred_at,
            {{ received_at or 'cast(null as timestamp)' }} as received_at,
            'smartlead' as dataset,
            '{{ table }}' as table_name
        from {{ relation }}
    {%- endfor %}
),

placed as (
    select
        unmatched.*,
        coalesce(unmatched.org, campaign_map.org) as placed_org,
        coalesce(unmatched.mapped_campaign_id, campaign_map.campaign_id) as placed_campaign_id
    from unmatched
    left join campaign_map on unmatched.smartlead_campaign_id = campaign_map.smartlead_campaign_id
),

-- a suggestion is the one member of the org, and of the campaign where that is known, whose lead has the address
suggestions as (
    select
        placed.event_source,
        placed.event_key,
        min(members.campaign_member_id) as campaign_member_id,
        min(members.lead_id) as lead_id
    from placed
    inner join members
        on
            placed.placed_org = members.org
            and placed.email = members.email
            and (placed.placed_campaign_id is null or placed.placed_campaign_id = members.campaign_id)
    where placed.unmatched_reason != 'row_malformed'
    group by placed.event_source, placed.event_key
    having count(*) = 1
),

with_receipts as (
    select
        unmatched.event_source,
        unmatched.event_key,
        unmatched.placed_org as org,
        unmatched.unmatched_reason,
        unmatched.smartlead_campaign_id,
        unmatched.email,
        unmatched.campaign_member_id_as_received,
        unmatched.lead_id_as_received,
        suggestions.campaign_member_id as suggested_campaign_member_id,
        suggestions.lead_id as suggested_lead_id,
        unmatched.occurred_at,
        coalesce(unmatched.received_at, receipts.received_at, source_reads.read_at) as received_at,
        'MARCOM Ops' as owner
    from placed as unmatched
    left join suggestions
        on
            unmatched.event_source = suggestions.event_source
            and unmatched.event_key = suggestions.event_key
    left join receipts
        on
            unmatched.event_source = receipts.event_source
            and unmatched.event_key = receipts.event_key
    left join source_reads
        on
            unmatched.dataset = source_reads.dataset
            and unmatched.table_name = source_reads.table_name
)

select * from with_receipts
