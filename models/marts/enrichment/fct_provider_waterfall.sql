-- What each provider of each step found and cost, and where the waterfall of the reference architecture was not kept:
-- cheapest first, stop on match, no more credits for a row than the ceiling of the step. Clay's lookups stand beside it
-- as providers of their own; they are no part of a waterfall, so that they cannot break its rules.
with

attempts as (
    select * from {{ ref('int_enrichment__attempts') }}
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

lookups as (
    select * from {{ ref('stg_clay__lookups') }}
    where lookup_status in ('found', 'missed')
),

all_attempts as (
    select
        table_id,
        row_id,
        step,
        provider,
        credits,
        is_match,
        is_out_of_order,
        is_after_match,
        is_over_credit_ceiling
    from attempts
    union all
    select
        'lookups' as table_id,
        lookup_key as row_id,
        subject as step,
        case subject when 'person' then 'clay_people' else 'clay_company' end as provider,
        cast(credits as integer) as credits,
        lookup_status = 'found' as is_match,
        false as is_out_of_order,
        false as is_after_match,
        false as is_over_credit_ceiling
    from lookups
),

counted as (
    select
        table_id,
        step,
        provider,
        count(*) as attempts,
        count(distinct row_id) as rows_attempted,
        sum(case when is_match then 1 else 0 end) as matches,
        sum(credits) as credits,
        sum(case when is_out_of_order then 1 else 0 end) as cheapest_first_violations,
        sum(case when is_after_match then 1 else 0 end) as stop_on_match_violations,
        sum(case when is_over_credit_ceiling then 1 else 0 end) as credit_ceiling_violations
    from all_attempts
    group by table_id, step, provider
),

provider_waterfall as (
    select
        campaign_map.org,
        counted.table_id,
        counted.step,
        counted.provider,
        counted.attempts,
        counted.rows_attempted,
        cast(counted.matches as bigint) as matches,
        cast(counted.matches as double) / counted.attempts as coverage,
        cast(counted.credits as bigint) as credits,
        cast(counted.credits as double) / nullif(counted.matches, 0) as cost_per_match,
        cast(counted.cheapest_first_violations as bigint) as cheapest_first_violations,
        cast(counted.stop_on_match_violations as bigint) as stop_on_match_violations,
        cast(counted.credit_ceiling_violations as bigint) as credit_ceiling_violations
    from counted
    left join campaign_map on counted.table_id = campaign_map.clay_table_id
)

select * from provider_waterfall
