-- Rows of other systems that name a campaign member, side by side, before anything is believed (R5).
with

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

smartlead_leads as (
    select * from {{ ref('stg_smartlead__campaign_leads') }}
),

clay_rows as (
    select clay_table_rows.*
    from {{ ref('stg_clay__table_rows') }} as clay_table_rows
    left join campaign_map on clay_table_rows.table_id = campaign_map.clay_table_id
    where
        campaign_map.clay_table_id is not null
        or clay_table_rows.campaign_member_id_as_received is not null
        or clay_table_rows.is_malformed
        or clay_table_rows.classification is not null -- a reply that Clay has not classified claims nothing yet
),

clay_callbacks as (
    select * from {{ ref('stg_clay__callback_events') }}
),

clay_csv_rows as (
    select * from {{ ref('stg_clay__csv_rows') }}
),

claims as (
    select
        'smartlead_lead' as claim_source,
        campaign_lead_map_id as claim_key,
        org_as_received,
        smartlead_campaign_id,
        cast(null as {{ dbt.type_string() }}) as clay_table_id,
        campaign_member_id_as_received,
        campaign_member_id,
        lead_id_as_received,
        lead_id,
        is_malformed
    from smartlead_leads
    union all
    select
        'clay_row' as claim_source,
        table_id || '|' || row_id as claim_key,
        org_as_received,
        smartlead_campaign_id,
        table_id as clay_table_id,
        campaign_member_id_as_received,
        campaign_member_id,
        lead_id_as_received,
        lead_id,
        is_malformed
    from clay_rows
    union all
    select
        'clay_callback' as claim_source,
        cast(event_id as {{ dbt.type_string() }}) as claim_key,
        org_as_received,
        smartlead_campaign_id,
        table_id as clay_table_id,
        campaign_member_id_as_received,
        campaign_member_id,
        lead_id_as_received,
        lead_id,
        false as is_malformed
    from clay_callbacks
    where parse_error is null
    union all
    select
        'clay_csv_row' as claim_source,
        file_sha256 || '|' || cast(row_number as {{ dbt.type_string() }}) as claim_key,
        lower({{ json_text('payload', 'org') }}) as org_as_received,
        cast(null as bigint) as smartlead_campaign_id,
        cast(null as {{ dbt.type_string() }}) as clay_table_id,
        campaign_member_id_as_received,
        campaign_member_id,
        lead_id_as_received,
        lead_id,
        is_malformed
    from clay_csv_rows
),

placed as (
    select
        claims.*,
        coalesce(by_smartlead_campaign.org, by_clay_table.org) as mapped_org,
        coalesce(by_smartlead_campaign.campaign_id, by_clay_table.campaign_id) as mapped_campaign_id,
        claims.smartlead_campaign_id is not null and by_smartlead_campaign.org is null as is_campaign_unmapped
    from claims
    left join campaign_map as by_smartlead_campaign
        on claims.smartlead_campaign_id = by_smartlead_campaign.smartlead_campaign_id
    left join campaign_map as by_clay_table
        on claims.clay_table_id = by_clay_table.clay_table_id
)

select * from placed
