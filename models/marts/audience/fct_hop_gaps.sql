-- R6, R7: what keeps a campaign from being complete: each member that a system lacks or has more than once, and each
-- record there that stands for no member.
with

member_hops as (
    select * from {{ ref('int_audience__member_hops') }}
),

hops as (
    select
        'clay' as hop,
        org,
        campaign_id,
        campaign_member_id,
        foreign_record_id,
        clay_row_count as record_count
    from member_hops
    union all
    select
        'smartlead' as hop,
        org,
        campaign_id,
        campaign_member_id,
        foreign_record_id,
        smartlead_lead_count as record_count
    from member_hops
),

hop_gaps as (
    select
        org,
        campaign_id,
        hop,
        coalesce(campaign_member_id, foreign_record_id) as record_id,
        case
            when campaign_member_id is null then 'stands_for_no_member'
            when record_count = 0 then 'missing'
            else 'more_than_once'
        end as gap,
        record_count
    from hops
    where
        (campaign_member_id is not null and record_count <> 1)
        or (campaign_member_id is null and record_count > 0)
)

select * from hop_gaps
