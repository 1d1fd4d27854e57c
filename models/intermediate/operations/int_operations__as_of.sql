-- "Now" in every model: when the sources were last read, by their own clocks. So a build can be repeated.
with

source_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
),

latest as (
    select max(read_at) as as_of_at
    from source_reads
)

select * from latest
