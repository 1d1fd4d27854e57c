-- What went wrong between the systems, or is still open, and waits for somebody: writes and submissions that were
-- turned away or whose end nobody knows, values that we wrote and Salesforce does not show, and events and records
-- that could not be understood. Reviewed rules say who must act.
with

ledger_entries as (
    select * from {{ ref('stg_writeback__ledger_entries') }}
),

submissions as (
    select * from {{ ref('stg_clay__submissions') }}
    where submission_status in ('intent', 'rejected', 'unknown')
),

webhook_events as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where parse_error is not null
),

callback_events as (
    select * from {{ ref('stg_clay__callback_events') }}
    where parse_error is not null
),

clay_set_aside_records as (
    select * from {{ ref('stg_clay__set_aside_records') }}
),

set_aside_records as (
    select
        table_name,
        record_hash,
        max(problem) as problem,
        min(read_at) as first_read_at,
        max(read_at) as last_read_at
    from {{ ref('stg_smartlead__set_aside_records') }}
    group by table_name, record_hash
),

smartlead_reads as (
    select * from {{ ref('stg_operations__source_reads') }}
    where dataset = 'smartlead'
),

-- Until a later load reads the table without meeting the record again. Messages are read once only.
records_still_unread as (
    select set_aside_records.*
    from set_aside_records
    left join smartlead_reads on set_aside_records.table_name = smartlead_reads.table_name
    where
        set_aside_records.table_name = 'messages'
        or smartlead_reads.read_at is null
        or set_aside_records.last_read_at >= smartlead_reads.read_at
),

reconciliation as (
    select * from {{ ref('fct_writeback_reconciliation') }}
    where
        reconciliation_status in ('silent_failure', 'record_is_gone')
        or (reconciliation_status = 'overwritten' and org <> 'hubspot') -- there, people work with what we bring
        or (reconciliation_status = 'pending_reload' and hours_since_written > 24)
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

error_routing as (
    select * from {{ ref('error_routing') }}
),

numbered_entries as (
    select
        *,
        row_number() over (
            partition by change_id
            order by entry_id desc
        ) as place
    from ledger_entries
),

latest_entries as (
    select
        *,
        case when entry_type = 'intent' then 'open_intent' else outcome end as error_type
    from numbered_entries
    where place = 1
),

errors as (
    select
        'write-back' as error_source,
        change_id as error_key,
        org,
        error_type,
        detail,
        recorded_at as occurred_at,
        'CRM Admin' as owner
    from latest_entries
    where
        error_type in (
            'open_intent',
            'rejected',
            'unknown',
            'not_found',
            'not_readable',
            'changed_since_plan',
            'withheld'
        )
    union all
    select
        'reconciliation' as error_source,
        org || '|' || object || '|' || record_id || '|' || field as error_key,
        org,
        reconciliation_status as error_type,
        field || ' was written by plan ' || substr(plan_id, 1, 12)
        || coalesce('; the record was last changed by ' || last_modified_by_id, '') as detail,
        greatest(written_at, coalesce(last_modified_at, written_at)) as occurred_at,
        'CRM Admin' as owner
    from reconciliation
    union all
    select
        'clay export' as error_source,
        cast(submission_id as {{ dbt.type_string() }}) as error_key,
        org,
        case submission_status when 'intent' then 'open_intent' else submission_status end as error_type,
        detail,
        coalesce(settled_at, intended_at) as occurred_at,
        'MARCOM Ops' as owner
    from submissions
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
    union all
    select
        'smartlead record' as error_source,
        table_name || '|' || record_hash as error_key,
        cast(null as {{ dbt.type_string() }}) as org,
        'not understood' as error_type,
        problem as detail,
        first_read_at as occurred_at,
        'MARCOM Ops' as owner
    from records_still_unread
    union all
    select
        'clay row' as error_source,
        table_id || '|' || record_hash as error_key,
        cast(null as {{ dbt.type_string() }}) as org,
        'not understood' as error_type,
        problem as detail,
        coalesce(updated_at, read_at) as occurred_at,
        'MARCOM Ops' as owner
    from clay_set_aside_records
),

fitting_rules as (
    select
        errors.*,
        error_routing.routed_to,
        error_routing.next_step,
        row_number() over (
            partition by errors.error_source, errors.error_key
            order by error_routing.priority
        ) as place
    from errors
    left join error_routing
        on
            errors.error_source = error_routing.error_source
            and errors.error_type = coalesce(nullif(error_routing.error_type, ''), errors.error_type)
            and {{ matches("coalesce(errors.detail, '')", "coalesce(error_routing.detail_pattern, '')") }}
),

sync_errors as (
    select
        fitting_rules.error_source,
        fitting_rules.error_key,
        fitting_rules.org,
        fitting_rules.error_type,
        fitting_rules.detail,
        fitting_rules.occurred_at,
        -- the clocks of two machines may differ
        greatest({{ hours_between('fitting_rules.occurred_at', 'as_of.as_of_at') }}, 0) as age_hours,
        coalesce(fitting_rules.routed_to, fitting_rules.owner) as routed_to,
        coalesce(fitting_rules.next_step, 'See what its detail says: no rule of error_routing names it') as next_step,
        fitting_rules.owner
    from fitting_rules
    cross join as_of
    where fitting_rules.place = 1
)

select * from sync_errors
