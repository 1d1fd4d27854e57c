with

source as (
    select * from {{ source('clay', 'table_rows') }}
),

renamed as (
    select
        -- ids
        table_id,
        row_id,
        lower({{ json_text('cells', 'org.value') }}) as org_as_received,
        {{ json_text('cells', 'CampaignMemberId.value') }} as campaign_member_id_as_received,
        {{ json_text('cells', 'LeadId.value') }} as lead_id_as_received,
        try_cast({{ json_text('cells', 'smartlead_campaign_id.value') }} as bigint) as smartlead_campaign_id,
        {{ json_text('cells', 'message_id.value') }} as message_id,
        -- strings
        nullif(lower(trim({{ json_text('cells', 'email.value') }})), '') as email,
        {{ json_text('cells', 'company_name.value') }} as company_name,
        {{ json_text('cells', 'employee_count.value') }} as employee_count,
        {{ json_text('cells', 'industry.value') }} as industry,
        {{ json_text('cells', 'job_title.value') }} as job_title,
        {{ json_text('cells', 'work_email.value') }} as work_email,
        {{ json_text('cells', 'phone_number.value') }} as phone_number,
        {{ json_text('cells', 'linkedin_url.value') }} as linkedin_url,
        {{ json_text('cells', 'company_description.value') }} as company_description,
        {{ json_text('cells', 'icp_score.value') }} as icp_score,
        {{ json_text('cells', 'lead_tier.value') }} as lead_tier,
        {{ json_text('cells', 'classification.value') }} as classification,
        -- booleans
        {{ is_malformed_json('cells') }} as is_malformed,
        -- timestamps
        {{ parse_utc(json_text('cells', 'enriched_at.value')) }} as enriched_at,
        {{ parse_utc(json_text('cells', 'classified_at.value')) }} as classified_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('seen_at') }} as seen_at,
        -- other
        {{ json_text('cells', 'attempts.value') }} as attempts,
        cells
    from source
),

with_ids as (
    select
        *,
        {{ salesforce_id_18('campaign_member_id_as_received') }} as campaign_member_id,
        {{ salesforce_id_18('lead_id_as_received') }} as lead_id
    from renamed
)

select * from with_ids
