-- R5: a merged lead is followed, over any number of merges, to the lead that survived.
with recursive

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

merged as (
    select * from leads
    where merged_into_lead_id is not null
),

steps as (
    select
        org,
        lead_id,
        merged_into_lead_id as reached_lead_id,
        1 as merge_count
    from merged
    union all
    select
        steps.org,
        steps.lead_id,
        next_merge.merged_into_lead_id as reached_lead_id,
        steps.merge_count + 1 as merge_count
    from steps
    inner join merged as next_merge
        on
            steps.org = next_merge.org
            and steps.reached_lead_id = next_merge.lead_id
    where steps.merge_count < 25 -- merges in a circle end somewhere, and lead to nobody
),

survivors as (
    select
        steps.org,
        steps.lead_id,
        steps.reached_lead_id as survivor_lead_id,
        steps.merge_count,
        leads.is_deleted as is_survivor_deleted
    from steps
    inner join leads
        on
            steps.org = leads.org
            and steps.reached_lead_id = leads.lead_id
    where leads.merged_into_lead_id is null
),

redirects as (
    select
        merged.org,
        merged.lead_id,
        survivors.survivor_lead_id,
        survivors.merge_count,
        survivors.is_survivor_deleted
    from merged
    left join survivors
        on
            merged.org = survivors.org
            and merged.lead_id = survivors.lead_id
)

select * from redirects
