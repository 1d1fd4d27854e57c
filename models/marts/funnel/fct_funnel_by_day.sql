-- Activity by day: how many members reached a stage for the first time on that day.
with

stage_events as (
    select * from {{ ref('fct_funnel_stage_events') }}
    where reached_at is not null
),

by_day as (
    select
        org,
        campaign_id,
        cast(reached_at as date) as reached_on,
        cast(date_trunc('week', reached_at) as date) as week_starts_on,
        stage,
        min(stage_number) as stage_number,
        count(distinct person_id) as members
    from stage_events
    group by org, campaign_id, cast(reached_at as date), cast(date_trunc('week', reached_at) as date), stage
)

select * from by_day
