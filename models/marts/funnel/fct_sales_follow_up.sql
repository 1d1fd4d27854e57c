{% set sla_due_locally_at = seconds_later(
    'cast(due_days.day_on as timestamp)',
    'cast(round((due_days.opens_at + started.due_hours - due_days.hours_before) * 3600) as integer)'
) %}

-- Members whose reply is positive: whose they are, how long they have been waiting, and who touched them first.
-- The clock starts with the first positive reply: the last one before the member was first called positive. Only what
-- sales has done is a touch, not what somebody means to do. Salesforce's time of completion is not loaded, so a to-do
-- that is done counts from the day it was meant for, and not after its last change. The SLA runs out on the day whose
-- business hours bring the clock to the allowed ones.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
    where classification = 'Positive' and first_replied_at is not null
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

replies as (
    select * from {{ ref('fct_reply_events') }}
    where is_human_response and campaign_member_id is not null
),

tasks as (
    select
        *,
        least(updated_at, greatest(created_at, coalesce(cast(activity_on as timestamp), created_at))) as done_at
    from {{ ref('stg_salesforce__tasks') }}
    where not is_deleted and lower(trim(task_status)) = 'completed'
),

users as (
    select * from {{ ref('stg_salesforce__users') }}
    where is_active
),

business_days as (
    select * from {{ ref('int_funnel__business_days') }}
),

sales_sla as (
    select * from {{ ref('sales_sla') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

positive_replies as (
    select
        members.org,
        members.campaign_member_id,
        max(replies.replied_at) as positive_replied_at
    from members
    inner join replies
        on
            members.org = replies.org
            and members.campaign_member_id = replies.campaign_member_id
            and members.first_positive_at >= replies.replied_at
    group by members.org, members.campaign_member_id
),

clocked as (
    select
        members.*,
        coalesce(positive_replies.positive_replied_at, members.first_replied_at) as clock_started_at
    from members
    left join positive_replies
        on
            members.org = positive_replies.org
            and members.campaign_member_id = positive_replies.campaign_member_id
),

touches as (
    select
        members.org,
        members.campaign_member_id,
        min(tasks.done_at) as first_touched_at,
        count(*) as touches
    from clocked as members
    left join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    inner join tasks
        on
            members.org = tasks.org
            and (members.lead_id = tasks.who_id or leads.converted_contact_id = tasks.who_id)
            and members.clock_started_at <= tasks.done_at
    group by members.org, members.campaign_member_id
),

waited as (
    select
        members.org,
        members.campaign_member_id,
        members.campaign_id,
        members.campaign_name,
        members.lead_id,
        members.owner_id,
        members.owner_name,
        members.gbu,
        members.clock_started_at,
        touches.first_touched_at,
        coalesce(touches.touches, 0) as touches,
        coalesce(touches.first_touched_at, as_of.as_of_at) as clock_read_at,
        sales_sla.gbu as sla_gbu,
        sales_sla.time_zone,
        sales_sla.business_hours
    from clocked as members
    cross join as_of
    left join touches
        on
            members.org = touches.org
            and members.campaign_member_id = touches.campaign_member_id
    left join sales_sla on lower(trim(members.gbu)) = lower(sales_sla.gbu)
),

local_times as (
    select
        *,
        {{ local_time('clock_started_at', 'time_zone') }} as started_locally_at,
        {{ local_time('clock_read_at', 'time_zone') }} as read_locally_at
    from waited
),

-- the position of the SLA's clock at the start, and where it will be when the SLA runs out
positions as (
    select
        local_times.*,
        {{ business_clock('start_days', 'local_times.started_locally_at') }} as start_hours
    from local_times
    left join business_days as start_days
        on
            local_times.sla_gbu = start_days.gbu
            and cast(local_times.started_locally_at as date) = start_days.day_on
),

started as (
    select
        *,
        start_hours + business_hours as due_hours
    from positions
),

waiting as (
    select
        started.org,
        started.campaign_member_id,
        started.campaign_id,
        started.campaign_name,
        started.lead_id,
        started.owner_id,
        started.owner_name,
        users.email as owner_email,
        started.gbu,
        started.clock_started_at as replied_at,
        started.first_touched_at,
        started.touches,
        {{ hours_between('started.clock_started_at', 'started.clock_read_at') }} as waiting_hours,
        {{ business_clock('read_days', 'started.read_locally_at') }}
        - started.start_hours as waiting_business_hours,
        started.business_hours as sla_business_hours,
        {{ utc_time(sla_due_locally_at, 'started.time_zone') }} as sla_due_at
    from started
    left join business_days as read_days
        on
            started.sla_gbu = read_days.gbu
            and cast(started.read_locally_at as date) = read_days.day_on
    left join business_days as due_days
        on
            started.sla_gbu = due_days.gbu
            and started.due_hours > due_days.hours_before
            and started.due_hours <= due_days.hours_before + due_days.open_hours
    left join users
        on
            started.org = users.org
            and started.owner_id = users.user_id
),

follow_up as (
    select
        *,
        first_touched_at is null as is_waiting,
        waiting_business_hours > sla_business_hours as is_breached,
        case
            when sla_business_hours is null then 'no_sla'
            when waiting_business_hours > sla_business_hours then 'breached'
            when first_touched_at is null then 'running'
            else 'kept'
        end as sla_status
    from waiting
)

select * from follow_up
