{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with

source as (
    select * from {{ source('clay', 'callback_events') }}
),

renamed as (
    select
        -- ids
        event_id,
        dedupe_key,
        {{ json_text('payload', 'table_id') }} as table_id,
        {{ json_text('payload', 'row_id') }} as row_id,
        lower({{ json_text('payload', 'org') }}) as org_as_received,
        {{ json_text('payload', 'CampaignMemberId') }} as campaign_member_id_as_received,
        {{ json_text('payload', 'LeadId') }} as lead_id_as_received,
        try_cast({{ json_text('payload', 'smartlead_campaign_id') }} as bigint) as smartlead_campaign_id,
        {{ json_text('payload', 'message_id') }} as message_id,
        -- strings
        nullif(lower(trim({{ json_text('payload', 'email') }})), '') as email,
        {{ json_text('payload', 'company_name') }} as company_name,
        {{ json_text('payload', 'employee_count') }} as employee_count,
        {{ json_text('payload', 'industry') }} as industry,
        {{ json_text('payload', 'job_title') }} as job_title,
        {{ json_text('payload', 'work_email') }} as work_email,
        {{ json_text('payload', 'phone_number') }} as phone_number,
        {{ json_text('payload', 'linkedin_url') }} as linkedin_url,
        {{ json_text('payload', 'company_description') }} as company_description,
        {{ json_text('payload', 'icp_score') }} as icp_score,
        {{ json_text('payload', 'lead_tier') }} as lead_tier,
        {{ json_text('payload', 'classification') }} as classification,
        kind,
        -- timestamps
        {{ parse_utc(json_text('payload', 'enriched_at')) }} as enriched_at,
        {{ parse_utc(json_text('payload', 'classified_at')) }} as classified_at,
        {{ to_utc('received_at') }} as received_at,
        -- other
        {{ json_text('payload', 'attempts') }} as attempts,
        payload,
        coalesce(parse_error, case when {{ is_malformed_json('payload') }} then 'not valid JSON' end) as parse_error
    from source
    {%- if is_incremental() %}
        -- Our inbox numbers events as they arrive and changes none: what happened earlier and comes late is numbered late.
        where event_id > (select coalesce(max(event_id), 0) from {{ this }})
    {%- endif %}
),

with_ids as (
    select
        *,
        {{ salesforce_id_18('campaign_member_id_as_received') }} as campaign_member_id,
        {{ salesforce_id_18('lead_id_as_received') }} as lead_id
    from renamed
)

select * from with_ids
