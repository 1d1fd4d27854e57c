{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

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
    {%- if is_incremental() %}
        where event_id > {{ last_claimed_callback() }}
    {%- endif %}
),

clay_csv_rows as (
    select * from {{ ref('stg_clay__csv_rows') }}
),

accepted_matches as (
    select * from {{ ref('int_audience__accepted_matches') }}
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
        email,
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
        email,
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
        email,
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
        nullif(lower(trim({{ json_text('payload', 'email') }})), '') as email,
        is_malformed
    from clay_csv_rows
),

-- what a person accepted for a row takes the place of what the row says
accepted_claims as (
    select
        claims.claim_source,
        claims.claim_key,
        coalesce(accepted_matches.org, claims.org_as_received) as org_as_received,
        claims.smartlead_campaign_id,
        claims.clay_table_id,
        coalesce(accepted_matches.campaign_member_id, claims.campaign_member_id_as_received)
            as campaign_member_id_as_received,
        coalesce(accepted_matches.campaign_member_id, claims.campaign_member_id) as campaign_member_id,
        coalesce(accepted_matches.lead_id, claims.lead_id_as_received) as lead_id_as_received,
        coalesce(accepted_matches.lead_id, claims.lead_id) as lead_id,
        claims.email,
        claims.is_malformed
    from claims
    left join accepted_matches
        on
            claims.claim_source = accepted_matches.event_source
            and claims.claim_key = accepted_matches.event_key
    union all
    select
        'smartlead_address' as claim_source,
        event_source || '|' || event_key as claim_key,
        org as org_as_received,
        smartlead_campaign_id,
        cast(null as {{ dbt.type_string() }}) as clay_table_id,
        campaign_member_id as campaign_member_id_as_received,
        campaign_member_id,
        lead_id as lead_id_as_received,
        lead_id,
        email,
        false as is_malformed
    from accepted_matches
    where is_address_in_force
),

placed as (
    select
        claims.*,
        coalesce(by_smartlead_campaign.org, by_clay_table.org) as mapped_org,
        coalesce(by_smartlead_campaign.campaign_id, by_clay_table.campaign_id) as mapped_campaign_id,
        claims.smartlead_campaign_id is not null and by_smartlead_campaign.org is null as is_campaign_unmapped
    from accepted_claims as claims
    left join campaign_map as by_smartlead_campaign
        on claims.smartlead_campaign_id = by_smartlead_campaign.smartlead_campaign_id
    left join campaign_map as by_clay_table
        on claims.clay_table_id = by_clay_table.clay_table_id
)

select * from placed
{% if is_incremental() -%}
    where claim_source = 'clay_callback'
{%- endif %}
