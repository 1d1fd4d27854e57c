{{ config(
    materialized='incremental',
    incremental_strategy=replace_rows(),
    unique_key=['org', 'lead_id'],
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

with

lead_bounces as (
    select * from {{ ref('int_deliverability__lead_bounces') }}
    {%- if is_incremental() %}
        where bounce_count > 0
    {%- endif %}
)

select * from lead_bounces
