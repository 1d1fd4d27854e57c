-- The spine: every member that Salesforce has, and how far it has come. Deleted members are not in it.
with

members as (
    select * from {{ ref('int_audience__exportable_members') }}
),

submissions as (
    select * from {{ ref('stg_clay__submissions') }}
    where submission_status = 'accepted'
),

clay_members as (
    select * from {{ ref('int_audience__clay_members') }}
    where campaign_member_id is not null
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where campaign_member_id is not null
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

reply_state as (
    select * from {{ ref('fct_member_reply_state') }}
),

classification_history as (
    select * from {{ ref('fct_classification_history') }}
    where classification_to = 'Positive'
),

exports as (
    select
        org,
        campaign_member_id,
        min(coalesce(settled_at, intended_at)) as exported_at
    from submissions
    group by org, campaign_member_id
),

enrichments as (
    select
        org,
        campaign_member_id,
        min(first_enriched_at) as enriched_at
    from clay_members
    group by org, campaign_member_id
),

mails as (
    select
        sent_mails.org,
        sent_mails.campaign_member_id,
        count(*) as sent_count,
        min(sent_mails.sent_at) as first_sent_at,
        max(sent_mails.sent_at) as last_sent_at,
        min(case when bounces.bounce_id is null then sent_mails.sent_at end) as first_delivered_at,
        min(sent_mails.opened_at) as first_opened_at
    from sent_mails
    left join bounces on sent_mails.stats_id = bounces.bounce_id
    group by sent_mails.org, sent_mails.campaign_member_id
),

positives as (
    select
        org,
        campaign_member_id,
        min(revised_at) as first_positive_at
    from classification_history
    group by org, campaign_member_id
),

gathered as (
    select
        members.*,
        exports.exported_at,
        enrichments.enriched_at,
        mails.first_sent_at,
        mails.last_sent_at,
        mails.first_delivered_at,
        mails.first_opened_at,
        coalesce(mails.sent_count, 0) as sent_count,
        reply_state.first_replied_at,
        positives.first_positive_at,
        coalesce(reply_state.has_replied, members.has_replied) as has_replied_now,
        coalesce(reply_state.classification, members.reply_classification) as classification
    from members
    left join exports
        on
            members.org = exports.org
            and members.campaign_member_id = exports.campaign_member_id
    left join enrichments
        on
            members.org = enrichments.org
            and members.campaign_member_id = enrichments.campaign_member_id
    left join mails
        on
            members.org = mails.org
            and members.campaign_member_id = mails.campaign_member_id
    left join reply_state
        on
            members.org = reply_state.org
            and members.campaign_member_id = reply_state.campaign_member_id
    left join positives
        on
            members.org = positives.org
            and members.campaign_member_id = positives.campaign_member_id
),

campaign_members as (
    select
        org,
        campaign_member_id,
        campaign_id,
        campaign_name,
        campaign_status,
        campaign_starts_on,
        is_ai_outreach,
        member_type,
        lead_id,
        contact_id,
        email,
        email_domain,
        first_name,
        last_name,
        company,
        title,
        country,
        gbu,
        owner_id,
        owner_name,
        is_eligible,
        is_duplicate_email,
        is_exportable,
        case
            when is_converted then 'converted'
            when classification = 'Positive' then 'positive'
            when has_replied_now then 'replied'
            when first_opened_at is not null then 'opened'
            when first_delivered_at is not null then 'delivered'
            when first_sent_at is not null then 'sent'
            when enriched_at is not null then 'enriched'
            when exported_at is not null then 'exported'
            when is_eligible then 'eligible'
            else 'member'
        end as stage,
        has_replied_now as has_replied,
        classification,
        is_converted,
        cast(sent_count as integer) as sent_count,
        exported_at,
        enriched_at,
        first_sent_at,
        last_sent_at,
        first_delivered_at,
        first_opened_at,
        first_replied_at,
        first_positive_at,
        converted_on,
        created_at
    from gathered
)

select * from campaign_members
