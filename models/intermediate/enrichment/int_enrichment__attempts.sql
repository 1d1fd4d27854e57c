-- Every attempt of a provider on a row, in the order in which Clay made them, beside the order in which it should have.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where attempts is not null
),

waterfall_config as (
    select * from {{ ref('waterfall_config') }}
),

reported as (
    select
        row_results.table_id,
        row_results.row_id,
        {{ json_text('attempt.element', 'step') }} as step,
        {{ json_text('attempt.element', 'provider') }} as provider,
        try_cast({{ json_text('attempt.element', 'position') }} as integer) as reported_position,
        coalesce(try_cast({{ json_text('attempt.element', 'credits') }} as integer), 0) as credits,
        coalesce(lower({{ json_text('attempt.element', 'is_match') }}) = 'true', false) as is_match
    from row_results
    {{ json_array_lateral('row_results.attempts', 'attempt') }}
),

numbered as (
    select
        *,
        cast(row_number() over (
            partition by table_id, row_id, step
            order by coalesce(reported_position, 1000) asc, provider asc, is_match asc
        ) as integer) as attempt_number
    from reported
    where step is not null and provider is not null
),

step_limits as (
    select
        step,
        max(maximum_credits) as maximum_credits
    from waterfall_config
    group by step
),

configured as (
    select
        numbered.*,
        waterfall_config.position as configured_position,
        step_limits.maximum_credits
    from numbered
    left join waterfall_config
        on
            numbered.step = waterfall_config.step
            and numbered.provider = waterfall_config.provider
    left join step_limits on numbered.step = step_limits.step
),

in_context as (
    select
        *,
        max(case when is_match then 1 else 0 end) over before_it as matches_before,
        coalesce(max(configured_position) over before_it, 0) as furthest_position_before,
        sum(credits) over (
            partition by table_id, row_id, step
            order by attempt_number
            rows between unbounded preceding and current row
        ) as step_credits
    from configured
    window before_it as (
        partition by table_id, row_id, step
        order by attempt_number
        rows between unbounded preceding and 1 preceding
    )
),

attempts as (
    select
        table_id,
        row_id,
        step,
        attempt_number,
        provider,
        credits,
        is_match,
        -- one place further than the furthest provider before it, or one of those again
        configured_position is null or configured_position > furthest_position_before + 1 as is_out_of_order,
        coalesce(matches_before, 0) > 0 as is_after_match,
        coalesce(step_credits > maximum_credits, false) as is_over_credit_ceiling
    from in_context
)

select * from attempts
