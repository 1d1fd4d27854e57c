-- The staging area of enrichment (R4): the latest result for each lead, how good it is, and how old. Only what passes
-- every check may become a candidate for Salesforce.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where lead_id is not null
),

icp_scores as (
    select * from {{ ref('int_enrichment__icp_scores') }}
),

row_quality as (
    select * from {{ ref('int_enrichment__row_quality') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by org, lead_id
            -- a lookup brings less than a row of a table: it counts where no table has brought anything for a quarter
            order by
                case when table_id = 'lookups' then enriched_at - interval 3 month else enriched_at end desc,
                table_id asc,
                row_id asc
        ) as place
    from row_results
),

latest as (
    select
        numbered.*,
        as_of.as_of_at,
        cast(numbered.enriched_at + interval 3 month as date) as re_enrichment_due_on
    from numbered
    cross join as_of
    where numbered.place = 1
),

lead_enrichment as (
    select
        latest.org,
        latest.lead_id,
        latest.campaign_id,
        latest.table_id,
        latest.row_id,
        latest.company_name,
        latest.company_description,
        latest.industry,
        latest.employee_count,
        latest.job_title,
        icp_scores.company_size_score,
        icp_scores.industry_score,
        icp_scores.title_score,
        icp_scores.data_score,
        icp_scores.icp_score,
        icp_scores.icp_tier,
        latest.clay_icp_score,
        latest.clay_lead_tier,
        coalesce(
            icp_scores.icp_score = latest.clay_icp_score and icp_scores.icp_tier = latest.clay_lead_tier,
            false
        ) as is_agreeing,
        row_quality.is_description_missing,
        row_quality.is_description_too_short,
        row_quality.is_description_too_long,
        row_quality.has_template_phrase,
        row_quality.description_language,
        row_quality.is_language_not_accepted,
        row_quality.is_industry_missing,
        row_quality.is_domain_mismatched,
        row_quality.description_flags,
        row_quality.is_description_usable,
        row_quality.is_industry_usable,
        latest.enriched_at,
        cast({{ days_between('latest.enriched_at', 'latest.as_of_at') }} as integer) as days_since_enriched,
        latest.re_enrichment_due_on,
        cast(latest.as_of_at as date) > latest.re_enrichment_due_on as is_stale
    from latest
    inner join icp_scores
        on
            latest.table_id = icp_scores.table_id
            and latest.row_id = icp_scores.row_id
    inner join row_quality
        on
            latest.table_id = row_quality.table_id
            and latest.row_id = row_quality.row_id
)

select * from lead_enrichment
