-- R5: each row of each Clay table and the campaign member it stands for, or why it stands for none. What a callback
-- brought and what a poll of the table brought meet in one row (R11).
with

table_rows as (
    select * from {{ ref('stg_clay__table_rows') }}
),

callbacks as (
    select * from {{ ref('stg_clay__callback_events') }}
    where parse_error is null and table_id is not null and row_id is not null
),

checks as (
    select * from {{ ref('int_audience__key_checks') }}
),

last_reading as (
    select max(read_at) as read_at
    from {{ ref('stg_operations__source_reads') }}
    where dataset = 'clay' and table_name = 'table_rows'
),

polled_tables as (
    select distinct table_id from table_rows
),

sightings as (
    select
        table_rows.table_id,
        table_rows.row_id,
        checks.org,
        checks.campaign_id,
        checks.campaign_member_id,
        checks.lead_id,
        checks.unmatched_reason,
        1 as preference,
        table_rows.updated_at as seen_at,
        table_rows.enriched_at,
        nullif(trim(table_rows.company_description), '') is not null as has_company_description,
        nullif(trim(table_rows.industry), '') is not null as has_industry,
        coalesce(table_rows.seen_at >= last_reading.read_at, last_reading.read_at is null) as is_shown,
        true as is_polled
    from table_rows
    cross join last_reading
    inner join checks
        on
            checks.claim_source = 'clay_row'
            and table_rows.table_id || '|' || table_rows.row_id = checks.claim_key
    union all
    select
        callbacks.table_id,
        callbacks.row_id,
        checks.org,
        checks.campaign_id,
        checks.campaign_member_id,
        checks.lead_id,
        checks.unmatched_reason,
        2 as preference,
        callbacks.received_at as seen_at,
        callbacks.enriched_at,
        nullif(trim(callbacks.company_description), '') is not null as has_company_description,
        nullif(trim(callbacks.industry), '') is not null as has_industry,
        false as is_shown,
        false as is_polled
    from callbacks
    inner join checks
        on
            checks.claim_source = 'clay_callback'
            and cast(callbacks.event_id as {{ dbt.type_string() }}) = checks.claim_key
),

ranked as (
    select
        *,
        min(enriched_at) over (partition by table_id, row_id) as first_enriched_at,
        bool_or(has_company_description and has_industry) over (partition by table_id, row_id) as is_complete,
        bool_or(is_shown) over (partition by table_id, row_id) as is_shown_now,
        bool_or(is_polled) over (partition by table_id, row_id) as is_seen_by_poll,
        bool_or(not is_polled) over (partition by table_id, row_id) as is_seen_by_callback,
        row_number() over (
            partition by table_id, row_id
            order by
                case when unmatched_reason is null then 1 else 2 end asc,
                preference asc,
                seen_at desc
        ) as place
    from sightings
),

latest as (
    select
        ranked.table_id,
        ranked.row_id,
        ranked.org,
        ranked.campaign_id,
        ranked.campaign_member_id,
        ranked.lead_id,
        ranked.unmatched_reason,
        ranked.is_complete,
        ranked.is_seen_by_poll,
        ranked.is_seen_by_callback,
        -- of a table that nobody polls, callbacks are all that is known
        ranked.is_shown_now or polled_tables.table_id is null as is_listed,
        ranked.first_enriched_at
    from ranked
    left join polled_tables on ranked.table_id = polled_tables.table_id
    where ranked.place = 1
)

select * from latest
