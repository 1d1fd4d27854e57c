{{ config(materialized='view') }}

-- Every value that the evidence wants in Salesforce, before any rule is asked; with what is wrong with the evidence
-- itself, where something is. Two candidates for one field are possible: the rules decide about both.
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

withheld_evidence as (
    select * from {{ ref('int_writeback__withheld_evidence') }}
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
        lead_id,
        cast(null as {{ dbt.type_string() }}) as held_reason
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
        lead_id,
        cast(null as {{ dbt.type_string() }}) as held_reason
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
        lead_id,
        cast(null as {{ dbt.type_string() }}) as held_reason
    from lead_bounces
    where has_hard_bounce_evidence
    union all
    select
        org,
        object,
        record_id,
        field,
        before_value,
        'true' as after_value,
        reason,
        evidence,
        evidence_at,
        campaign_id,
        lead_id,
        held_reason
    from withheld_evidence
    {%- for field, column, usable in [
        ('company_description__c', 'company_description', 'description'),
        ('Industry', 'industry', 'industry'),
    ] %}
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
            enrichment.lead_id,
            case
                when not enrichment.is_{{ usable }}_usable then 'the enrichment failed its quality checks'
            end as held_reason
        from enrichment
        inner join leads
            on
                enrichment.org = leads.org
                and enrichment.lead_id = leads.lead_id
        where enrichment.{{ column }} is not null
    {%- endfor %}
)

select * from candidates
