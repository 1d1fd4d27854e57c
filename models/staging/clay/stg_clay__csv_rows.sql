with

source as (
    select * from {{ source('clay', 'csv_rows') }}
),

renamed as (
    select
        -- ids
        file_sha256,
        row_number,
        {{ json_text('payload', 'CampaignMemberId') }} as campaign_member_id_as_received,
        {{ json_text('payload', 'LeadId') }} as lead_id_as_received,
        -- strings
        file_name,
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
        -- booleans
        {{ is_malformed_json('payload') }} as is_malformed,
        -- timestamps
        {{ parse_utc(json_text('payload', 'enriched_at')) }} as enriched_at,
        -- other
        {{ json_text('payload', 'attempts') }} as attempts,
        payload
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
