-- The staging area of enrichment (R4): the latest result for each lead, how good it is, and how old.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where lead_id is not null
),

icp_scores as (
    select * from {{ ref('int_enrichment__icp_scores') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by org, lead_id
            order by enriched_at desc, table_id asc, row_id asc
        ) as place
    from row_results
),

with_quality as (
    select
        numbered.*,
        as_of.as_of_at,
        length(numbered.company_description) < 40 as is_description_too_short,
        length(numbered.company_description) > 2000 as is_description_too_long,
        {{ matches('numbered.company_description', "'(as an ai|language model|i cannot|n/a|lorem ipsum)'") }}
            as has_template_phrase
    from numbered
    cross join as_of
    where numbered.place = 1
),

lead_enrichment as (
    select
        with_quality.org,
        with_quality.lead_id,
        with_quality.campaign_id,
        with_quality.table_id,
        with_quality.row_id,
        with_quality.company_name,
        with_quality.company_description,
        with_quality.industry,
        with_quality.employee_count,
        with_quality.job_title,
        icp_scores.company_size_score,
        icp_scores.industry_score,
        icp_scores.title_score,
        icp_scores.data_score,
        icp_scores.icp_score,
        icp_scores.icp_tier,
        with_quality.clay_icp_score,
        with_quality.clay_lead_tier,
        coalesce(
            icp_scores.icp_score = with_quality.clay_icp_score and icp_scores.icp_tier = with_quality.clay_lead_tier,
            false
        ) as is_agreeing,
        coalesce(with_quality.is_description_too_short, false) as is_description_too_short,
        coalesce(with_quality.is_description_too_long, false) as is_description_too_long,
        coalesce(with_quality.has_template_phrase, false) as has_template_phrase,
        with_quality.company_description is not null
        and not with_quality.is_description_too_short
        and not with_quality.is_description_too_long
        and not with_quality.has_template_phrase as is_description_usable,
        with_quality.industry is not null as is_industry_usable,
        with_quality.enriched_at,
        cast({{ days_between('with_quality.enriched_at', 'with_quality.as_of_at') }} as integer) as days_since_enriched,
        {{ days_between('with_quality.enriched_at', 'with_quality.as_of_at') }} > 92 as is_stale
    from with_quality
    inner join icp_scores
        on
            with_quality.table_id = icp_scores.table_id
            and with_quality.row_id = icp_scores.row_id
)

select * from lead_enrichment
