-- R6, R7: how many members of each AI campaign stand where, and what stands there for no member.
with

member_hops as (
    select * from {{ ref('int_audience__member_hops') }}
),

hop_counts as (
    select
        org,
        campaign_id,
        count(campaign_member_id) as lead_member_count,
        cast(sum(clay_row_count) as bigint) as clay_row_count,
        count(case when clay_row_count > 0 then campaign_member_id end) as member_in_clay_count,
        cast(sum(case when campaign_member_id is null then clay_row_count else 0 end) as bigint)
            as clay_foreign_count,
        cast(sum(smartlead_lead_count) as bigint) as smartlead_lead_count,
        count(case when smartlead_lead_count > 0 then campaign_member_id end) as member_in_smartlead_count,
        cast(sum(case when campaign_member_id is null then smartlead_lead_count else 0 end) as bigint)
            as smartlead_foreign_count
    from member_hops
    group by org, campaign_id
)

select * from hop_counts
