with

attempts as (
    select * from {{ ref('int_enrichment__attempts') }}
),

waterfall_config as (
    select * from {{ ref('waterfall_config') }}
),

with_order as (
    select
        attempts.*,
        waterfall_config.position as configured_position,
        waterfall_config.maximum_credits,
        max(case when attempts.is_match then 1 else 0 end) over (
            partition by attempts.table_id, attempts.row_id, attempts.step
            order by attempts.attempt_position
            rows between unbounded preceding and 1 preceding
        ) as is_after_match,
        sum(attempts.credits) over (
            partition by attempts.table_id, attempts.row_id, attempts.step
        ) as step_credits
    from attempts
    left join waterfall_config
        on
            attempts.step = waterfall_config.step
            and attempts.provider = waterfall_config.provider
),

provider_waterfall as (
    select
        table_id,
        step,
        provider,
        count(*) as attempts,
        count(case when is_match then 1 end) as matches,
        cast(count(case when is_match then 1 end) as double) / count(*) as coverage,
        cast(sum(credits) as bigint) as credits,
        cast(sum(credits) as double) / nullif(count(case when is_match then 1 end), 0) as cost_per_match,
        count(
            case when configured_position is null or configured_position <> attempt_position then 1 end
        ) as cheapest_first_violations,
        count(case when is_after_match = 1 then 1 end) as stop_on_match_violations,
        count(case when step_credits > maximum_credits then 1 end) as credit_ceiling_violations
    from with_order
    group by table_id, step, provider
)

select * from provider_waterfall
