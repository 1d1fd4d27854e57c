-- The ICP score as the reference architecture defines it, one column per component. Words of a title count as whole
-- words and whatever their case: read without care, every "Director" contains "CTO".
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
),

weights as (
    select * from {{ ref('icp_weights') }}
),

size_weights as (
    select
        minimum,
        points
    from weights
    where component = 'company_size'
),

points as (
    select
        max(case when rule like 'Software%' then points end) as software_points,
        max(case when rule like 'Financial%' then points end) as regulated_points,
        max(case when component = 'industry' and rule = 'any other' then points end) as other_industry_points,
        max(case when rule like 'CEO%' then points end) as executive_points,
        max(case when rule like 'Director%' then points end) as director_points,
        max(case when rule = 'Manager' then points end) as manager_points,
        max(case when component = 'title' and rule = 'any other' then points end) as other_title_points,
        max(case when rule = 'work e-mail' then points end) as email_points,
        max(case when rule = 'phone number' then points end) as phone_points,
        max(case when component = 'tier' and rule = 'A' then minimum end) as tier_a_minimum,
        max(case when component = 'tier' and rule = 'B' then minimum end) as tier_b_minimum,
        max(case when component = 'tier' and rule = 'C' then minimum end) as tier_c_minimum
    from weights
),

sizes as (
    select
        row_results.table_id,
        row_results.row_id,
        max(size_weights.points) as company_size_score
    from row_results
    inner join size_weights on coalesce(row_results.employee_count, 0) >= size_weights.minimum
    group by row_results.table_id, row_results.row_id
),

components as (
    select
        row_results.table_id,
        row_results.row_id,
        sizes.company_size_score,
        case
            when row_results.industry in ('Software', 'Technology', 'SaaS', 'Information Technology')
                then points.software_points
            when row_results.industry in ('Financial Services', 'Healthcare') then points.regulated_points
            else points.other_industry_points
        end as industry_score,
        case
            when {{ matches('row_results.job_title', "'\\b(ceo|cto|vp|c-suite)\\b'") }} then points.executive_points
            when {{ matches('row_results.job_title', "'\\b(director|head of)\\b'") }} then points.director_points
            when {{ matches('row_results.job_title', "'\\bmanager\\b'") }} then points.manager_points
            else points.other_title_points
        end as title_score,
        case when row_results.work_email is not null then points.email_points else 0 end
        + case when row_results.phone_number is not null then points.phone_points else 0 end as data_score,
        points.tier_a_minimum,
        points.tier_b_minimum,
        points.tier_c_minimum
    from row_results
    cross join points
    inner join sizes
        on
            row_results.table_id = sizes.table_id
            and row_results.row_id = sizes.row_id
),

summed as (
    select
        *,
        company_size_score + industry_score + title_score + data_score as icp_score
    from components
),

icp_scores as (
    select
        table_id,
        row_id,
        company_size_score,
        industry_score,
        title_score,
        data_score,
        icp_score,
        case
            when icp_score >= tier_a_minimum then 'A'
            when icp_score >= tier_b_minimum then 'B'
            when icp_score >= tier_c_minimum then 'C'
            else 'D'
        end as icp_tier
    from summed
)

select * from icp_scores
