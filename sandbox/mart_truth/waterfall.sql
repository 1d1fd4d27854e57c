-- Enrichment: attempts, matches and credits by provider; Clay keeps to its waterfall
with expected as (
    select table_id, step, provider, count(*) as attempts, sum(is_match) as matches, sum(credits) as credits
    from read_parquet('$truth/clay_attempts.parquet') group by all
)

select
    concat_ws(' ', table_id, step, provider) as id,
    [expected.attempts, expected.matches, expected.credits, 0, 0, 0]::bigint[] as expected,
    [found.attempts, found.matches, found.credits, cheapest_first_violations, stop_on_match_violations,
        credit_ceiling_violations]::bigint[] as found
from expected
full join published.marts.fct_provider_waterfall as found using (table_id, step, provider)
