with

source as (
    select * from {{ source('smartlead', 'campaign_leads') }}
),

renamed as (
    select
        -- ids
        campaign_lead_map_id,
        campaign_id as smartlead_campaign_id,
        lead_id as smartlead_lead_id,
        lead_category_id as category_id,
        -- strings
        {{ json_text('custom_fields', 'CampaignMemberId') }} as campaign_member_id_as_received,
        {{ json_text('custom_fields', 'LeadId') }} as lead_id_as_received,
        lower({{ json_text('custom_fields', 'org') }}) as org_as_received,
        nullif(lower(trim(email)), '') as email,
        status as lead_status,
        -- booleans
        coalesce(is_unsubscribed, false) as is_unsubscribed,
        {{ is_malformed_json('custom_fields') }} as is_malformed,
        -- timestamps
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('seen_at') }} as seen_at
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
