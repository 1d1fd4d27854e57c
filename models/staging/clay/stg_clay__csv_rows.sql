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
        {{ salesforce_id_18(json_text('payload', 'CampaignMemberId')) }} as campaign_member_id,
        {{ salesforce_id_18(json_text('payload', 'LeadId')) }} as lead_id,
        -- strings
        file_name,
        -- booleans
        {{ is_malformed_json('payload') }} as is_malformed,
        -- other
        payload
    from source
)

select * from renamed
