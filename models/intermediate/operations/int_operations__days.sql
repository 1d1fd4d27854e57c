{{ config(materialized='view') }}

-- The calendar that metrics are asked by, from the first member of a campaign to today.
with

members as (
    select * from {{ ref('stg_salesforce__campaign_members') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

bounds as (
    select
        min(members.created_at) as first_at,
        max(as_of.as_of_at) as last_at
    from members
    cross join as_of
),

days as (
    select cast(calendar.day_on as date) as day_on
    from bounds
    {{ days_lateral('cast(bounds.first_at as date)', 'cast(bounds.last_at as date)', 'calendar') }}
)

select * from days
