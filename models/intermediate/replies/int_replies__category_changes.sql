-- The category of each Smartlead lead over time. The webhook of a change and the poll that saw it later meet in one
-- row: consecutive sightings of the same category are one change, and the earliest of them dates it (R11).
with

events as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where
        event_type in ('LEAD_CATEGORY_UPDATED', 'LEAD_CATEGORY_OBSERVED')
        and parse_error is null
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
),

categories as (
    select * from {{ ref('stg_smartlead__categories') }}
),

category_map as (
    select * from {{ ref('category_map') }}
),

by_address as (
    select * from smartlead_members
    where is_email_unique
),

category_names as (
    select
        lower(trim(category)) as category_name,
        min(category_id) as category_id
    from categories
    group by lower(trim(category))
),

-- replies go by the address; so does a lead that proves no member, or the same one
located as (
    select
        events.*,
        by_map_id.campaign_lead_map_id as named_lead_map_id,
        by_map_id.created_at as named_added_at,
        by_address.campaign_lead_map_id as address_lead_map_id,
        by_address.created_at as address_added_at,
        by_address.campaign_lead_map_id is not null
        and (
            by_map_id.campaign_member_id is null
            or by_map_id.campaign_member_id = by_address.campaign_member_id
        ) as goes_by_address
    from events
    left join smartlead_members as by_map_id
        on events.campaign_lead_map_id = by_map_id.campaign_lead_map_id
    left join by_address
        on
            events.smartlead_campaign_id = by_address.smartlead_campaign_id
            and events.email = by_address.email
),

sightings as (
    select
        located.event_id,
        located.smartlead_campaign_id,
        located.email,
        case when located.goes_by_address then located.address_lead_map_id else located.named_lead_map_id end
            as campaign_lead_map_id,
        case when located.goes_by_address then located.address_added_at else located.named_added_at end as added_at,
        coalesce(located.new_category_id, category_names.category_id, -1) as category_id,
        coalesce(categories.category, located.new_category) as category,
        coalesce(located.event_at, located.received_at) as seen_at,
        located.event_type = 'LEAD_CATEGORY_OBSERVED' as is_observation
    from located
    left join categories
        on located.new_category_id = categories.category_id
    left join category_names
        on lower(trim(located.new_category)) = category_names.category_name
),

keyed as (
    select
        *,
        coalesce(
            campaign_lead_map_id,
            concat_ws('|', cast(smartlead_campaign_id as {{ dbt.type_string() }}), email)
        ) as lead_key
    from sightings
),

compared as (
    select
        *,
        lag(category_id) over (
            partition by lead_key
            order by seen_at, is_observation, event_id
        ) as category_id_before,
        lag(seen_at) over (
            partition by lead_key
            order by seen_at, is_observation, event_id
        ) as seen_at_before
    from keyed
),

-- a lead that was removed and added again begins without a category
marked as (
    select
        *,
        category_id_before is null
        or category_id_before != category_id
        or coalesce(seen_at_before < added_at and seen_at >= added_at, false) as is_change
    from compared
),

numbered as (
    select
        *,
        sum(case when is_change then 1 else 0 end) over (
            partition by lead_key
            order by seen_at, is_observation, event_id
            rows between unbounded preceding and current row
        ) as change_number
    from marked
),

changes as (
    select
        lead_key,
        change_number,
        min(campaign_lead_map_id) as campaign_lead_map_id,
        min(smartlead_campaign_id) as smartlead_campaign_id,
        min(email) as email,
        min(event_id) as event_id,
        max(category) as category,
        min(seen_at) as changed_at,
        bool_or(not is_observation) as is_seen_by_webhook,
        bool_or(is_observation) as is_seen_by_poll
    from numbered
    group by lead_key, change_number
),

classified as (
    select
        changes.*,
        category_map.classification,
        coalesce(category_map.is_human_response, true) as is_human_response,
        coalesce(category_map.is_automatic_reply, false) as is_automatic_reply,
        coalesce(category_map.is_do_not_contact, false) as is_do_not_contact,
        lead(changes.changed_at) over (
            partition by changes.lead_key
            order by changes.change_number
        ) is null as is_current
    from changes
    left join category_map on lower(trim(changes.category)) = lower(category_map.category)
)

select * from classified
