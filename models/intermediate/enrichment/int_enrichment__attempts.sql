-- Every attempt of a provider on a row, in the order in which Clay made them.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where attempts is not null
),

attempts as (
    select
        row_results.table_id,
        row_results.row_id,
        {{ json_text('attempt.element', 'step') }} as step,
        {{ json_text('attempt.element', 'provider') }} as provider,
        try_cast({{ json_text('attempt.element', 'position') }} as integer) as attempt_position,
        try_cast({{ json_text('attempt.element', 'credits') }} as integer) as credits,
        coalesce(lower({{ json_text('attempt.element', 'is_match') }}) = 'true', false) as is_match
    from row_results
    {{ json_array_lateral('row_results.attempts', 'attempt') }}
)

select * from attempts
