-- R6, R7: each lead member of an AI campaign and how often it stands in the campaign's Clay table and in its Smartlead
-- campaign; and each Clay row and Smartlead lead there that stands for none of them, with no member id.
with

members as (
    select * from {{ ref('int_audience__exportable_members') }}
    where is_ai_outreach and member_type = 'lead'
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

clay_members as (
    select * from {{ ref('int_audience__clay_members') }}
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where is_listed
),

-- an address that a person matched stands for its member, whatever the lead itself says
matched_addresses as (
    select distinct
        smartlead_campaign_id,
        email
    from smartlead_members
    where unmatched_reason is null
),

sightings as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        clay_members.campaign_member_id,
        clay_members.row_id as record_id,
        case when clay_members.is_listed then 1 else 0 end as clay_row_count,
        -- Clay may delete a row that is done
        case when clay_members.is_seen_by_callback then 1 else 0 end as has_been_in_clay,
        0 as smartlead_lead_count
    from clay_members
    inner join campaign_map on clay_members.table_id = campaign_map.clay_table_id
    where clay_members.is_listed or (clay_members.is_seen_by_callback and clay_members.campaign_member_id is not null)
    union all
    select
        campaign_map.org,
        campaign_map.campaign_id,
        smartlead_members.campaign_member_id,
        smartlead_members.campaign_lead_map_id as record_id,
        0 as clay_row_count,
        0 as has_been_in_clay,
        1 as smartlead_lead_count
    from smartlead_members
    inner join campaign_map on smartlead_members.smartlead_campaign_id = campaign_map.smartlead_campaign_id
    left join matched_addresses
        on
            smartlead_members.smartlead_campaign_id = matched_addresses.smartlead_campaign_id
            and smartlead_members.email = matched_addresses.email
    where smartlead_members.unmatched_reason is null or matched_addresses.email is null
),

placed as (
    select
        sightings.org,
        sightings.campaign_id,
        members.campaign_member_id,
        case when members.campaign_member_id is null then sightings.record_id end as foreign_record_id,
        sightings.clay_row_count,
        sightings.has_been_in_clay,
        sightings.smartlead_lead_count
    from sightings
    left join members
        on
            sightings.org = members.org
            and sightings.campaign_id = members.campaign_id
            and sightings.campaign_member_id = members.campaign_member_id
    union all
    select
        org,
        campaign_id,
        campaign_member_id,
        cast(null as {{ dbt.type_string() }}) as foreign_record_id,
        0 as clay_row_count,
        0 as has_been_in_clay,
        0 as smartlead_lead_count
    from members
),

member_hops as (
    select
        org,
        campaign_id,
        campaign_member_id,
        foreign_record_id,
        cast(greatest(sum(clay_row_count), max(has_been_in_clay)) as integer) as clay_row_count,
        cast(sum(smartlead_lead_count) as integer) as smartlead_lead_count
    from placed
    group by org, campaign_id, campaign_member_id, foreign_record_id
)

select * from member_hops
