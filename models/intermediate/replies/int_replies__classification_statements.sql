-- Who called an answer Positive, Neutral or Negative, and when (R3). Only statements about a proven answer of a person:
-- Clay's name the message, Smartlead's categories count from the member's first answer on.
with

callbacks as (
    select * from {{ ref('stg_clay__callback_events') }}
    where parse_error is null and classification is not null
),

table_rows as (
    select * from {{ ref('stg_clay__table_rows') }}
    where classification is not null
),

checks as (
    select * from {{ ref('int_audience__key_checks') }}
    where unmatched_reason is null
),

replies as (
    select * from {{ ref('int_replies__replies') }}
    where is_human_response and campaign_member_id is not null
),

category_changes as (
    select * from {{ ref('int_replies__category_changes') }}
    where category is not null
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where campaign_member_id is not null
),

first_replies as (
    select
        org,
        campaign_member_id,
        min(replied_at) as first_replied_at
    from replies
    group by org, campaign_member_id
),

clay_sightings as (
    select
        checks.org,
        checks.campaign_member_id,
        callbacks.message_id,
        callbacks.classification,
        callbacks.table_id || '|' || callbacks.row_id as clay_row,
        coalesce(callbacks.classified_at, callbacks.received_at) as stated_at
    from callbacks
    inner join checks
        on
            checks.claim_source = 'clay_callback'
            and cast(callbacks.event_id as {{ dbt.type_string() }}) = checks.claim_key
    union all
    select
        checks.org,
        checks.campaign_member_id,
        table_rows.message_id,
        table_rows.classification,
        table_rows.table_id || '|' || table_rows.row_id as clay_row,
        coalesce(table_rows.classified_at, table_rows.updated_at) as stated_at
    from table_rows
    inner join checks
        on
            checks.claim_source = 'clay_row'
            and table_rows.table_id || '|' || table_rows.row_id = checks.claim_key
),

clay_statements as (
    select distinct
        clay_sightings.org,
        clay_sightings.campaign_member_id,
        'clay' as stated_by,
        clay_sightings.classification,
        clay_sightings.stated_at,
        false as is_first_category,
        'clay ' || clay_sightings.clay_row as evidence
    from clay_sightings
    inner join first_replies
        on
            clay_sightings.org = first_replies.org
            and clay_sightings.campaign_member_id = first_replies.campaign_member_id
    left join replies
        on
            clay_sightings.org = replies.org
            and clay_sightings.campaign_member_id = replies.campaign_member_id
            and clay_sightings.message_id = replies.message_id
    where
        clay_sightings.classification in ('Positive', 'Neutral', 'Negative')
        and (
            replies.reply_id is not null
            or (clay_sightings.message_id is null and clay_sightings.stated_at >= first_replies.first_replied_at)
        )
),

category_statements as (
    select
        smartlead_members.org,
        smartlead_members.campaign_member_id,
        case
            when category_changes.is_seen_by_webhook then 'smartlead_category'
            else 'smartlead_observed'
        end as stated_by,
        category_changes.classification,
        category_changes.changed_at as stated_at,
        -- the first one after the first answer is Smartlead's own guess, even where it says nothing; a later one is a
        -- person's revision
        row_number() over (
            partition by category_changes.campaign_lead_map_id
            order by category_changes.change_number
        ) = 1 as is_first_category,
        'smartlead event ' || cast(category_changes.event_id as {{ dbt.type_string() }}) as evidence
    from category_changes
    inner join smartlead_members
        on category_changes.campaign_lead_map_id = smartlead_members.campaign_lead_map_id
    inner join first_replies
        on
            smartlead_members.org = first_replies.org
            and smartlead_members.campaign_member_id = first_replies.campaign_member_id
            and category_changes.changed_at >= first_replies.first_replied_at
),

statements as (
    select * from clay_statements
    union all
    select * from category_statements
    where classification is not null
)

select * from statements
