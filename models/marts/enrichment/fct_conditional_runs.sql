-- Whether Clay ran the costly steps for the rows that had earned them, and for these only. A step counts as run where
-- Clay reports an attempt; of a step that it reports nowhere in a table nothing is known.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where table_id <> 'lookups'  -- no column of Clay's runs there
),

icp_scores as (
    select * from {{ ref('int_enrichment__icp_scores') }}
),

attempts as (
    select * from {{ ref('int_enrichment__attempts') }}
),

conditional_runs as (
    select * from {{ ref('conditional_runs') }}
),

phone_points as (
    select max(points) as points
    from {{ ref('icp_weights') }}
    where component = 'data' and rule = 'phone number'
),

runs as (
    select
        table_id,
        row_id,
        step,
        sum(credits) as credits
    from attempts
    group by table_id, row_id, step
),

reported_steps as (
    select distinct
        table_id,
        step
    from attempts
),

judged as (
    select
        row_results.org,
        row_results.table_id,
        conditional_runs.step,
        conditional_runs.minimum_score,
        icp_scores.icp_score - case
            when not conditional_runs.counts_phone_points and row_results.phone_number is not null
                then phone_points.points
            else 0
        end >= conditional_runs.minimum_score
        and (row_results.work_email is not null or not conditional_runs.needs_work_email) as is_due,
        runs.row_id is not null as has_run,
        reported_steps.step is not null as is_reported,
        coalesce(runs.credits, 0) as credits
    from row_results
    inner join icp_scores
        on
            row_results.table_id = icp_scores.table_id
            and row_results.row_id = icp_scores.row_id
    cross join conditional_runs
    cross join phone_points
    left join runs
        on
            row_results.table_id = runs.table_id
            and row_results.row_id = runs.row_id
            and conditional_runs.step = runs.step
    left join reported_steps
        on
            row_results.table_id = reported_steps.table_id
            and conditional_runs.step = reported_steps.step
),

counted as (
    select
        max(org) as org,
        table_id,
        step,
        max(minimum_score) as minimum_score,
        bool_or(is_reported) as is_reported,
        count(*) as rows_enriched,
        count(case when is_due then 1 end) as rows_due,
        case when bool_or(is_reported) then count(case when has_run then 1 end) end as rows_run,
        case when bool_or(is_reported) then count(case when has_run and not is_due then 1 end) end
            as rows_run_too_early,
        case when bool_or(is_reported) then count(case when is_due and not has_run then 1 end) end as rows_missed,
        cast(sum(case when has_run and not is_due then credits else 0 end) as bigint) as credits_spent_too_early
    from judged
    group by table_id, step
)

select * from counted
