{{ config(
    materialized='incremental',
    incremental_strategy=replace_rows(),
    unique_key=['org', 'lead_id'],
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

-- R2: overall = Pardot or external, in three values: a signal whose source was never loaded is unknown, not false.
with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

lead_formulas as (
    select * from {{ ref('stg_salesforce__lead_formulas') }}
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
    where lead_id is not null
),

source_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
),

smartlead_loads as (
    select count(*) > 0 as is_smartlead_loaded
    from source_reads
    where dataset = 'smartlead' and table_name = 'email_statistics'
),

numbered_bounces as (
    select
        *,
        row_number() over (
            partition by org, lead_id, bounce_class
            order by bounced_at, bounce_id
        ) as place
    from bounces
),

counts as (
    select
        org,
        lead_id,
        count(*) as bounce_count,
        sum(case when bounce_class = 'unknown' then 1 else 0 end) > 0 as has_unclassified_bounce
    from bounces
    group by org, lead_id
),

hard_bounces as (
    select
        org,
        lead_id,
        bounced_at as hard_bounced_at,
        'smartlead bounce ' || bounce_id || ', rule ' || rule_id || ', '
        || cast(bounced_at as {{ dbt.type_string() }}) as hard_bounce_evidence
    from numbered_bounces
    where bounce_class = 'hard' and place = 1
),

signals as (
    select
        leads.org,
        leads.lead_id,
        leads.is_pardot_hard_bounced,
        leads.is_external_hard_bounced as is_external_hard_bounced_in_salesforce,
        lead_formulas.is_overall_hard_bounced as is_overall_hard_bounced_in_salesforce,
        -- Nobody can settle what is gone; a formula that was read before the lead's last change may be another one now.
        not leads.is_deleted and leads.is_visible and leads.updated_at <= lead_formulas.read_at as is_comparable,
        hard_bounces.hard_bounced_at is not null as has_hard_bounce_evidence,
        hard_bounces.hard_bounced_at,
        hard_bounces.hard_bounce_evidence,
        coalesce(counts.bounce_count, 0) as bounce_count,
        coalesce(counts.has_unclassified_bounce, false) as has_unclassified_bounce,
        case
            when leads.is_external_hard_bounced or hard_bounces.hard_bounced_at is not null then true
            when leads.is_external_hard_bounced is not null and smartlead_loads.is_smartlead_loaded then false
        end as is_external_hard_bounced
    from leads
    cross join smartlead_loads
    left join lead_formulas
        on
            leads.org = lead_formulas.org
            and leads.lead_id = lead_formulas.lead_id
    left join counts
        on
            leads.org = counts.org
            and leads.lead_id = counts.lead_id
    left join hard_bounces
        on
            leads.org = hard_bounces.org
            and leads.lead_id = hard_bounces.lead_id
    {%- if is_incremental() %}
        where counts.lead_id is not null
    {%- endif %}
),

compared as (
    select
        *,
        is_pardot_hard_bounced or is_external_hard_bounced as is_overall_hard_bounced
    from signals
),

judged as (
    select
        *,
        case
            when not is_comparable or is_overall_hard_bounced_in_salesforce is null then 'not_comparable'
            when is_overall_hard_bounced is null then 'unknown'
            when is_overall_hard_bounced and not is_overall_hard_bounced_in_salesforce then 'missing_in_salesforce'
            when is_overall_hard_bounced_in_salesforce and not is_overall_hard_bounced then 'only_in_salesforce'
            else 'none'
        end as discrepancy
    from compared
),

lead_bounces as (
    select
        org,
        lead_id,
        is_pardot_hard_bounced,
        is_external_hard_bounced_in_salesforce,
        has_hard_bounce_evidence,
        is_external_hard_bounced,
        is_overall_hard_bounced,
        is_overall_hard_bounced_in_salesforce,
        has_unclassified_bounce,
        bounce_count,
        hard_bounced_at,
        hard_bounce_evidence,
        discrepancy,
        -- the runbook's order: Pardot's source first, then the external flag
        case
            when discrepancy in ('none', 'not_comparable') then null
            when is_pardot_hard_bounced is null then 'pardot_source'
            when is_pardot_hard_bounced and discrepancy = 'missing_in_salesforce' then 'pardot_source'
            when discrepancy = 'only_in_salesforce' then 'pardot_source'
            else 'external_flag'
        end as next_check
    from judged
)

select * from lead_bounces
