-- What went wrong between the systems and waits for somebody: writes that Salesforce rejected or that nobody knows the
-- outcome of, and events that could not be understood. Integration problems go to the CRM Admin, data to MARCOM Ops.
with

entries as (
    select * from {{ ref('stg_writeback__ledger_entries') }}
    where entry_type = 'outcome'
),

webhook_events as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where parse_error is not null
),

callback_events as (
    select * from {{ ref('stg_clay__callback_events') }}
    where parse_error is not null
),

latest_outcomes as (
    select
        *,
        row_number() over (
            partition by change_id
            order by entry_id desc
        ) as place
    from entries
),

sync_errors as (
    select
        'write-back' as error_source,
        change_id as error_key,
        org,
        outcome as error_type,
        detail,
        recorded_at as occurred_at,
        'CRM Admin' as owner
    from latest_outcomes
    where place = 1 and outcome in ('rejected', 'unknown', 'not_found', 'not_readable', 'changed_since_plan')
    union all
    select
        'smartlead webhook' as error_source,
        cast(event_id as {{ dbt.type_string() }}) as error_key,
        cast(null as {{ dbt.type_string() }}) as org,
        'not understood' as error_type,
        parse_error as detail,
        received_at as occurred_at,
        'MARCOM Ops' as owner
    from webhook_events
    union all
    select
        'clay callback' as error_source,
        cast(event_id as {{ dbt.type_string() }}) as error_key,
        cast(null as {{ dbt.type_string() }}) as org,
        'not understood' as error_type,
        parse_error as detail,
        received_at as occurred_at,
        'MARCOM Ops' as owner
    from callback_events
)

select * from sync_errors
