-- Every value that the evidence wants in Salesforce, before any rule is asked.
with

reply_state as (
    select * from {{ ref('fct_member_reply_state') }}
),

lead_bounces as (
    select * from {{ ref('fct_lead_bounces') }}
),

enrichment as (
    select * from {{ ref('fct_lead_enrichment') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

candidates as (
    select
        org,
        'CampaignMember' as object,
        campaign_member_id as record_id,
        'Has_Replied__c' as field,
        case when has_replied_in_salesforce then 'true' else 'false' end as before_value,
        'true' as after_value,
        'a person has replied' as reason,
        reply_evidence as evidence,
        first_replied_at as evidence_at,
        campaign_id,
        lead_id
    from reply_state
    where has_proven_reply
    union all
    select
        org,
        'CampaignMember' as object,
        campaign_member_id as record_id,
        'ReplyClassification__c' as field,
        classification_in_salesforce as before_value,
        proven_classification as after_value,
        'the reply was classified by ' || classified_by as reason,
        classification_evidence as evidence,
        classified_at as evidence_at,
        campaign_id,
        lead_id
    from reply_state
    where has_proven_reply and proven_classification is not null
    union all
    select
        org,
        'Lead' as object,
        lead_id as record_id,
        'external_hard_bounced__c' as field,
        case
            when is_external_hard_bounced_in_salesforce then 'true'
            when not is_external_hard_bounced_in_salesforce then 'false'
        end as before_value,
        'true' as after_value,
        'a mail bounced hard' as reason,
        hard_bounce_evidence as evidence,
        hard_bounced_at as evidence_at,
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        lead_id
    from lead_bounces
    where has_hard_bounce_evidence
    {%- for field, column in [('company_description__c', 'company_description'), ('Industry', 'industry')] %}
        union all
        select
            enrichment.org,
            'Lead' as object,
            enrichment.lead_id as record_id,
            '{{ field }}' as field,
            leads.{{ column }} as before_value,
            enrichment.{{ column }} as after_value,
            'Clay has enriched the lead' as reason,
            'clay row ' || enrichment.table_id || '/' || enrichment.row_id as evidence,
            enrichment.enriched_at as evidence_at,
            enrichment.campaign_id,
            enrichment.lead_id
        from enrichment
        inner join leads
            on
                enrichment.org = leads.org
                and enrichment.lead_id = leads.lead_id
        where enrichment.is_{{ 'description' if loop.first else 'industry' }}_usable
    {%- endfor %}
)

select * from candidates
