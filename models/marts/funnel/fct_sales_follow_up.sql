-- Members whose reply is positive: whose they are, how long they have been waiting, and who touched them first.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
    where classification = 'Positive' and first_replied_at is not null
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

tasks as (
    select * from {{ ref('stg_salesforce__tasks') }}
    where not is_deleted
),

sales_sla as (
    select * from {{ ref('sales_sla') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

touches as (
    select
        members.org,
        members.campaign_member_id,
        min(tasks.created_at) as first_touched_at,
        count(*) as touches
    from members
    left join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    inner join tasks
        on
            members.org = tasks.org
            and (members.lead_id = tasks.who_id or leads.converted_contact_id = tasks.who_id)
            and members.first_replied_at <= tasks.created_at
    group by members.org, members.campaign_member_id
),

waiting as (
    select
        members.org,
        members.campaign_member_id,
        members.campaign_id,
        members.campaign_name,
        members.lead_id,
        members.owner_id,
        members.owner_name,
        members.gbu,
        members.first_replied_at as replied_at,
        touches.first_touched_at,
        coalesce(touches.touches, 0) as touches,
        {{ hours_between('members.first_replied_at', 'coalesce(touches.first_touched_at, as_of.as_of_at)') }}
            as waiting_hours,
        sales_sla.hours as sla_hours
    from members
    cross join as_of
    left join touches
        on
            members.org = touches.org
            and members.campaign_member_id = touches.campaign_member_id
    left join sales_sla on members.gbu = sales_sla.gbu
),

follow_up as (
    select
        *,
        first_touched_at is null as is_waiting,
        coalesce(waiting_hours > sla_hours, false) as is_breached
    from waiting
)

select * from follow_up
