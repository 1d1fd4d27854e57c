-- R5, R11: what dropped CSV exports say of members whose keys are proven. An export has no row ids: it speaks of the
-- member's row in the table of its campaign, or, where nobody has seen that row, stands under the member's id.
with

csv_rows as (
    select * from {{ ref('stg_clay__csv_rows') }}
    where enriched_at is not null
),

checks as (
    select * from {{ ref('int_audience__key_checks') }}
    where claim_source = 'clay_csv_row' and unmatched_reason is null
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

clay_members as (
    select * from {{ ref('int_audience__clay_members') }}
    where unmatched_reason is null
),

member_rows as (
    select
        table_id,
        campaign_member_id,
        min(row_id) as row_id
    from clay_members
    group by table_id, campaign_member_id
),

csv_sightings as (
    select
        campaign_map.clay_table_id as table_id,
        coalesce(member_rows.row_id, checks.campaign_member_id) as row_id,
        checks.org,
        checks.campaign_id,
        checks.campaign_member_id,
        checks.lead_id,
        member_rows.row_id is not null as is_row_known,
        csv_rows.company_name,
        csv_rows.employee_count,
        csv_rows.industry,
        csv_rows.job_title,
        csv_rows.work_email,
        csv_rows.phone_number,
        csv_rows.linkedin_url,
        csv_rows.company_description,
        csv_rows.icp_score,
        csv_rows.lead_tier,
        csv_rows.attempts,
        csv_rows.enriched_at
    from csv_rows
    inner join checks
        on csv_rows.file_sha256 || '|' || cast(csv_rows.row_number as {{ dbt.type_string() }}) = checks.claim_key
    inner join campaign_map
        on
            checks.org = campaign_map.org
            and checks.campaign_id = campaign_map.campaign_id
    left join member_rows
        on
            campaign_map.clay_table_id = member_rows.table_id
            and checks.campaign_member_id = member_rows.campaign_member_id
)

select * from csv_sightings
