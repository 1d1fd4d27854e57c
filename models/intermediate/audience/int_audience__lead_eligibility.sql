-- May this lead be contacted? The verdict is computed here, independently of Salesforce's formula, and the two are
-- compared.
with

lead_findings as (
    select * from {{ ref('int_audience__lead_findings') }}
),

eligibility_reasons as (
    select * from {{ ref('int_audience__eligibility_reasons') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

lead_formulas as (
    select * from {{ ref('stg_salesforce__lead_formulas') }}
),

listed as (
    select
        org,
        lead_id,
        bool_and(is_fallback) as is_excluded_by_fallback_only,
        {{ list_text('rule_id', 'rule_number') }} as exclusion_reasons
    from eligibility_reasons
    group by org, lead_id
),

judged as (
    select
        lead_findings.org,
        lead_findings.lead_id,
        listed.exclusion_reasons is null as is_eligible,
        case when leads.is_visible and not leads.is_deleted then lead_formulas.is_cold_lead_eligible end
            as is_cold_lead_eligible,
        {%- for rule in eligibility_rules() %}
            lead_findings.is_{{ rule }},
        {%- endfor %}
        listed.exclusion_reasons,
        coalesce(listed.is_excluded_by_fallback_only, false) as is_excluded_by_fallback_only
    from lead_findings
    inner join leads
        on
            lead_findings.org = leads.org
            and lead_findings.lead_id = leads.lead_id
    left join lead_formulas
        on
            lead_findings.org = lead_formulas.org
            and lead_findings.lead_id = lead_formulas.lead_id
    left join listed
        on
            lead_findings.org = listed.org
            and lead_findings.lead_id = listed.lead_id
),

lead_eligibility as (
    select
        *,
        is_eligible = is_cold_lead_eligible as is_agreeing
    from judged
)

select * from lead_eligibility
