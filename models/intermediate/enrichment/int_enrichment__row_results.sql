-- What Clay found for each row of its lead tables: the callback, the poll and the CSV export of a row meet in one row,
-- and the latest enrichment counts; beside them the lookups, as rows of a table of their own. Of sightings of the same
-- enrichment the poll is the truth, then the export (R11).
with

table_rows as (
    select * from {{ ref('stg_clay__table_rows') }}
),

callbacks as (
    select * from {{ ref('stg_clay__callback_events') }}
    where kind = 'enrichment' and parse_error is null
),

clay_members as (
    select * from {{ ref('int_audience__clay_members') }}
),

csv_sightings as (
    select * from {{ ref('int_enrichment__csv_sightings') }}
),

lookup_sightings as (
    select * from {{ ref('int_enrichment__lookup_sightings') }}
),

rows_of_members as (
    {%- set no_reason = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
    {%- for of_members, unmatched_reason in (
        ('clay_members', 'unmatched_reason'),
        ('csv_sightings where not is_row_known', no_reason),
        ('lookup_sightings', no_reason),
    ) %}
        select
            table_id,
            row_id,
            org,
            campaign_id,
            campaign_member_id,
            lead_id,
            {{ unmatched_reason }} as unmatched_reason
        from {{ of_members }}
        {%- if not loop.last %}
            union distinct
        {%- endif %}
    {%- endfor %}
),

sightings as (
    {%- for sighting, seen_by in (
        ('table_rows', 'poll'), ('csv_sightings', 'csv'), ('callbacks', 'callback'), ('lookup_sightings', 'lookup')
    ) %}
        select
            table_id,
            row_id,
            '{{ seen_by }}' as seen_by,
            {{ loop.index }} as preference,
            company_name,
            employee_count,
            industry,
            job_title,
            work_email,
            phone_number,
            linkedin_url,
            company_description,
            icp_score,
            lead_tier,
            attempts,
            enriched_at
        from {{ sighting }}
        where enriched_at is not null
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by table_id, row_id
            order by enriched_at desc, preference asc
        ) as place
    from sightings
),

row_results as (
    select
        numbered.table_id,
        numbered.row_id,
        rows_of_members.org,
        rows_of_members.campaign_id,
        rows_of_members.campaign_member_id,
        rows_of_members.lead_id,
        rows_of_members.unmatched_reason,
        nullif(trim(numbered.company_name), '') as company_name,
        try_cast(numbered.employee_count as integer) as employee_count,
        nullif(trim(numbered.industry), '') as industry,
        nullif(trim(numbered.job_title), '') as job_title,
        nullif(lower(trim(numbered.work_email)), '') as work_email,
        nullif(trim(numbered.phone_number), '') as phone_number,
        nullif(trim(numbered.linkedin_url), '') as linkedin_url,
        nullif(trim(numbered.company_description), '') as company_description,
        try_cast(numbered.icp_score as integer) as clay_icp_score,
        nullif(trim(numbered.lead_tier), '') as clay_lead_tier,
        numbered.attempts,
        numbered.seen_by,
        numbered.enriched_at
    from numbered
    inner join rows_of_members
        on
            numbered.table_id = rows_of_members.table_id
            and numbered.row_id = rows_of_members.row_id
    where numbered.place = 1
)

select * from row_results
