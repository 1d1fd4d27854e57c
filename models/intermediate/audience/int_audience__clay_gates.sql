-- R7: what the gates about Clay measure; no row before the audience is in Clay. Lower is better.
with

members as (
    select * from {{ ref('int_audience__exportable_members') }}
    where is_ai_outreach
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

clay_members as (
    select * from {{ ref('int_audience__clay_members') }}
),

row_quality as (
    select * from {{ ref('int_enrichment__row_quality') }}
),

member_counts as (
    select
        org,
        campaign_id,
        count(*) as lead_member_count
    from members
    where member_type = 'lead'
    group by org, campaign_id
),

clay_rows as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        clay_members.campaign_member_id,
        clay_members.first_enriched_at,
        clay_members.is_complete,
        clay_members.is_listed,
        -- Clay may delete a row that is done; nobody can correct one that it has deleted
        clay_members.is_listed or clay_members.is_seen_by_callback as is_found,
        -- what nobody checked is not usable
        coalesce(row_quality.is_description_usable and row_quality.is_industry_usable, false) as is_usable
    from campaign_map
    inner join clay_members on campaign_map.clay_table_id = clay_members.table_id
    left join row_quality
        on
            clay_members.table_id = row_quality.table_id
            and clay_members.row_id = row_quality.row_id
),

clay_counts as (
    select
        org,
        campaign_id,
        sum(case when is_listed then 1 else 0 end) as row_count,
        count(distinct case when is_found then campaign_member_id end) as found_member_count,
        count(case when is_listed then campaign_member_id end)
        - count(distinct case when is_listed then campaign_member_id end) as surplus_row_count,
        sum(case when is_listed and campaign_member_id is null then 1 else 0 end) as foreign_row_count,
        sum(case when first_enriched_at is not null then 1 else 0 end) as enriched_count,
        sum(case when first_enriched_at is not null and not is_complete then 1 else 0 end) as incomplete_count,
        sum(case when first_enriched_at is not null and is_complete and not is_usable then 1 else 0 end)
            as unusable_count
    from clay_rows
    group by org, campaign_id
),

clay_row_count as (
    select
        clay_counts.org,
        clay_counts.campaign_id,
        'clay_row_count' as gate,
        greatest(member_counts.lead_member_count - clay_counts.found_member_count, 0)
        + clay_counts.surplus_row_count
        + clay_counts.foreign_row_count as measured_value,
        concat_ws(
            ' ',
            cast(clay_counts.row_count as {{ dbt.type_string() }}), 'rows in Clay,',
            cast(clay_counts.found_member_count as {{ dbt.type_string() }}), 'of',
            cast(member_counts.lead_member_count as {{ dbt.type_string() }}), 'lead members among them,',
            cast(clay_counts.surplus_row_count as {{ dbt.type_string() }}),
            'rows too many of members that are there more than once,',
            cast(clay_counts.foreign_row_count as {{ dbt.type_string() }}), 'rows that stand for no member'
        ) as evidence
    from clay_counts
    inner join member_counts
        on
            clay_counts.org = member_counts.org
            and clay_counts.campaign_id = member_counts.campaign_id
),

enrichment_quality as (
    select
        org,
        campaign_id,
        'enrichment_quality' as gate,
        cast(incomplete_count + unusable_count as double) / enriched_count as measured_value,
        concat_ws(
            ' ', 'Of',
            cast(enriched_count as {{ dbt.type_string() }}), 'enriched rows,',
            cast(incomplete_count as {{ dbt.type_string() }}), 'lack company description or industry and',
            cast(unusable_count as {{ dbt.type_string() }}), 'have one that fails a quality check'
        ) as evidence
    from clay_counts
    where enriched_count > 0
),

measurements as (
    select * from clay_row_count
    union all
    select * from enrichment_quality
)

select * from measurements
