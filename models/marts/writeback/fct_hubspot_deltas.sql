-- The CRM sync of the reference architecture: a contact for each lead whose ICP score and work e-mail have earned it.
-- No row as long as the allowlist says off. outreach plan reads this mart only if a HubSpot account is configured.
with

enrichment as (
    select * from {{ ref('fct_lead_enrichment') }}
),

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
    where not is_deleted
),

crm_push as (
    select * from {{ ref('conditional_runs') }}
    where step = 'crm_push'
),

allowlist as (
    select * from {{ ref('field_allowlist') }}
    where object = 'contacts' and status = 'active'
),

numbered as (
    select
        row_results.work_email,
        leads.first_name,
        leads.last_name,
        enrichment.company_name,
        enrichment.job_title,
        enrichment.icp_score,
        enrichment.enriched_at,
        enrichment.table_id,
        enrichment.row_id,
        row_number() over (
            partition by row_results.work_email
            order by enrichment.enriched_at desc, enrichment.org asc, enrichment.lead_id asc
        ) as place
    from enrichment
    inner join row_results
        on
            enrichment.table_id = row_results.table_id
            and enrichment.row_id = row_results.row_id
    inner join leads
        on
            enrichment.org = leads.org
            and enrichment.lead_id = leads.lead_id
    inner join crm_push on enrichment.icp_score >= crm_push.minimum_score
    where row_results.work_email is not null
),

contacts as (
    select * from numbered
    where place = 1
),

candidates as (
    {% for field, value in {
        'email': 'work_email',
        'firstname': 'first_name',
        'lastname': 'last_name',
        'company': 'company_name',
        'jobtitle': 'job_title',
        'hs_lead_status': "'NEW'",
        'clay_icp_score': 'cast(icp_score as ' ~ dbt.type_string() ~ ')',
        'clay_enrichment_date': 'cast(cast(enriched_at as date) as ' ~ dbt.type_string() ~ ')',
    }.items() %}
        select
            work_email as record_id,
            '{{ field }}' as field,
            nullif(trim({{ value }}), '') as after_value,
            table_id,
            row_id,
            icp_score,
            enriched_at
        from contacts
        {%- if not loop.last %}
            union all
        {%- endif %}
    {% endfor %}
),

deltas as (
    select
        'hubspot|contacts|' || candidates.record_id || '|' || candidates.field as delta_id,
        'hubspot' as org,
        'contacts' as object,
        candidates.record_id,
        candidates.field,
        candidates.after_value,
        allowlist.policy,
        'the ICP score is ' || cast(candidates.icp_score as {{ dbt.type_string() }}) as reason,
        'clay table ' || candidates.table_id || ' row ' || candidates.row_id as evidence,
        candidates.enriched_at as evidence_at,
        cast(null as {{ dbt.type_string() }}) as campaign_id
    from candidates
    inner join allowlist on candidates.field = allowlist.field
    where candidates.after_value is not null
)

select * from deltas
