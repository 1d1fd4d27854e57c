with

source as (
    select * from {{ source('writeback', 'ledger_entries') }}
),

renamed as (
    select
        -- ids
        entry_id,
        run_id,
        plan_id,
        change_id,
        org,
        record_id,
        approval_id,
        build_id,
        -- strings
        entry_type,
        object,
        field,
        policy,
        before_value,
        after_value,
        current_value,
        outcome,
        detail,
        reason,
        evidence,
        -- timestamps
        {{ to_utc('recorded_at') }} as recorded_at
    from source
)

select * from renamed
