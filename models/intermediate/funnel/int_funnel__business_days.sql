-- The calendar of the SLA's clock: how many business hours of each GBU have passed before each day begins. The clock's
-- position at any moment is that plus the open hours of the day so far, and a wait is the difference of two positions.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
),

sales_sla as (
    select * from {{ ref('sales_sla') }}
),

business_hours as (
    select * from {{ ref('business_hours') }}
),

business_holidays as (
    select * from {{ ref('business_holidays') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

-- a day more at the beginning, because a local day is not one of UTC; two weeks more at the end, because an
-- SLA that runs now ends then
bounds as (
    select
        min(members.first_replied_at) - interval 1 day as first_at,
        max(as_of.as_of_at) + interval 14 day as last_at
    from members
    cross join as_of
    where members.first_replied_at is not null
),

days as (
    select cast(calendar.day_on as date) as day_on
    from bounds
    {{ days_lateral('cast(bounds.first_at as date)', 'cast(bounds.last_at as date)', 'calendar') }}
),

opening as (
    select
        sales_sla.gbu,
        sales_sla.time_zone,
        days.day_on,
        coalesce(business_hours.opens_at, 0) as opens_at,
        case
            when business_hours.gbu is null or business_holidays.gbu is not null then 0
            else business_hours.closes_at - business_hours.opens_at
        end as open_hours
    from sales_sla
    cross join days
    left join business_hours
        on
            sales_sla.gbu = business_hours.gbu
            and business_hours.weekday = {{ iso_weekday('days.day_on') }}
    left join business_holidays
        on
            sales_sla.gbu = business_holidays.gbu
            and days.day_on = business_holidays.holiday_on
),

business_days as (
    select
        gbu,
        time_zone,
        day_on,
        opens_at,
        open_hours,
        sum(open_hours) over (
            partition by gbu
            order by day_on
            rows between unbounded preceding and current row
        ) - open_hours as hours_before
    from opening
)

select * from business_days
