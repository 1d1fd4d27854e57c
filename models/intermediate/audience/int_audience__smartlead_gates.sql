-- R7: what the gate about Smartlead's leads measures; no row before the audience is there. Lower is better.
with

hop_counts as (
    select * from {{ ref('int_audience__hop_counts') }}
),

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
    where unmatched_reason is null and is_listed
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

-- to Smartlead a lead is its address: two rows of one address are one lead, which gets each mail once
member_addresses as (
    select distinct
        campaign_map.org,
        campaign_map.campaign_id,
        smartlead_members.campaign_member_id,
        smartlead_members.email
    from smartlead_members
    inner join campaign_map
        on smartlead_members.smartlead_campaign_id = campaign_map.smartlead_campaign_id
),

surplus_counts as (
    select
        org,
        campaign_id,
        count(*) - count(distinct campaign_member_id) as surplus_lead_count
    from member_addresses
    group by org, campaign_id
),

counts as (
    select
        hop_counts.org,
        hop_counts.campaign_id,
        hop_counts.lead_member_count,
        hop_counts.smartlead_lead_count,
        hop_counts.member_in_smartlead_count,
        hop_counts.smartlead_foreign_count,
        coalesce(surplus_counts.surplus_lead_count, 0) as surplus_lead_count
    from hop_counts
    left join surplus_counts
        on
            hop_counts.org = surplus_counts.org
            and hop_counts.campaign_id = surplus_counts.campaign_id
    where hop_counts.smartlead_lead_count > 0
),

measurements as (
    select
        org,
        campaign_id,
        'smartlead_lead_count' as gate,
        lead_member_count - member_in_smartlead_count + surplus_lead_count + smartlead_foreign_count as measured_value,
        concat_ws(
            ' ',
            cast(smartlead_lead_count as {{ dbt.type_string() }}), 'leads in Smartlead,',
            cast(member_in_smartlead_count as {{ dbt.type_string() }}), 'of',
            cast(lead_member_count as {{ dbt.type_string() }}), 'lead members among them,',
            cast(surplus_lead_count as {{ dbt.type_string() }}),
            'leads too many of members that have more than one address there,',
            cast(smartlead_foreign_count as {{ dbt.type_string() }}), 'leads that stand for no member'
        ) as evidence
    from counts
)

select * from measurements
