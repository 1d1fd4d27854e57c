with

source_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

freshness as (
    select
        source_reads.dataset,
        source_reads.table_name,
        source_reads.rows_read,
        source_reads.read_at,
        {{ hours_between('source_reads.read_at', 'as_of.as_of_at') }} as hours_behind,
        {{ hours_between('source_reads.read_at', 'as_of.as_of_at') }} > 24 as is_stale,
        'CRM Admin' as owner
    from source_reads
    cross join as_of
)

select * from freshness
