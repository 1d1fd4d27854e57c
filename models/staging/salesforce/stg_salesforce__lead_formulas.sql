with

source as (
    {{ union_salesforce_orgs('Lead', 'leads_sweep', [
        'Id',
        'overall_hard_bounced__c',
        'Cold_Lead_Eligible__c',
        'swept_at'
    ]) }}
),

renamed as (
    select
        -- ids
        org,
        Id as lead_id,
        -- booleans
        overall_hard_bounced__c as is_overall_hard_bounced,
        Cold_Lead_Eligible__c as is_cold_lead_eligible,
        -- timestamps
        {{ to_utc('swept_at') }} as read_at
    from source
)

select * from renamed
