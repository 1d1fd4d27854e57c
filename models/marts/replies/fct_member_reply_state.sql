{{ config(
    materialized='incremental',
    incremental_strategy=replace_rows(),
    unique_key=['org', 'campaign_member_id'],
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

-- R3: whether a member has replied, and what the reply says. Only the answer of a person proves it, and what Salesforce
-- already says is never taken back: there is no way from true to false here.
with

members as (
    select * from {{ ref('int_audience__members') }}
    where is_ai_outreach and member_type = 'lead'
),

replies as (
    select * from {{ ref('int_replies__replies') }}
    where campaign_member_id is not null
),

human_replies as (
    select * from replies
    where is_human_response
),

revisions as (
    select * from {{ ref('fct_classification_history') }}
    where is_current
),

numbered_replies as (
    select
        *,
        row_number() over (
            partition by org, campaign_member_id
            order by replied_at, reply_id
        ) as place,
        count(*) over (partition by org, campaign_member_id) as reply_count
    from human_replies
),

first_replies as (
    select * from numbered_replies
    where place = 1
),

reply_state as (
    select
        members.org,
        members.campaign_member_id,
        members.campaign_id,
        members.lead_id,
        first_replies.reply_id is not null or members.has_replied as has_replied,
        members.has_replied as has_replied_in_salesforce,
        first_replies.reply_id is not null as has_proven_reply,
        first_replies.replied_at as first_replied_at,
        first_replies.reply_id as first_reply_id,
        cast(coalesce(first_replies.reply_count, 0) as integer) as reply_count,
        case
            when first_replies.has_message
                then
                    'smartlead message ' || first_replies.message_id || ', '
                    || cast(first_replies.replied_at as {{ dbt.type_string() }})
            when first_replies.reply_id is not null
                then
                    'smartlead statistics ' || first_replies.stats_id || ', '
                    || cast(first_replies.replied_at as {{ dbt.type_string() }})
        end as reply_evidence,
        coalesce(revisions.classification_to, members.reply_classification) as classification,
        members.reply_classification as classification_in_salesforce,
        revisions.classification_to as proven_classification,
        revisions.revised_at as classified_at,
        revisions.source as classified_by,
        case
            when revisions.revision_id is not null
                then
                    revisions.evidence || ', '
                    || cast(revisions.revised_at as {{ dbt.type_string() }})
        end as classification_evidence
    from members
    left join first_replies
        on
            members.org = first_replies.org
            and members.campaign_member_id = first_replies.campaign_member_id
    left join revisions
        on
            members.org = revisions.org
            and members.campaign_member_id = revisions.campaign_member_id
    {%- if is_incremental() %}
        where (members.org, members.campaign_member_id) in (select replies.org, replies.campaign_member_id from replies)
    {%- endif %}
)

select * from reply_state
