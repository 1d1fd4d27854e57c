-- Enrichment: how often the costly steps ran; Clay runs them only and always where they are due
with done as (
    select table_id, count(*) as rows_done from read_parquet('$truth/clay_rows.parquet') where status = 'done' group by all
),

run as (
    select table_id, step, count(distinct row_id) as rows_run
    from read_parquet('$truth/clay_attempts.parquet') group by all
)

select
    concat_ws(' ', table_id, step) as id,
    [rows_done, run.rows_run, run.rows_run, 0, 0] as expected,
    [rows_enriched, found.rows_run, rows_due, rows_run_too_early, rows_missed] as found
from run
join done using (table_id)
full join (from published.marts.fct_conditional_runs where is_reported) as found using (table_id, step)
where step in (select step from policy.conditional_runs)
