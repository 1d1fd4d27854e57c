-- R6, R7: members in Salesforce = rows in Clay = leads in Smartlead, for each AI campaign.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where is_ai_outreach and not is_deleted
),

hop_counts as (
    select * from {{ ref('int_audience__hop_counts') }}
),

hop_completeness as (
    select
        campaigns.org,
        campaigns.campaign_id,
        campaigns.campaign_name,
        coalesce(hop_counts.lead_member_count, 0) as lead_members,
        coalesce(hop_counts.clay_row_count, 0) as clay_rows,
        coalesce(hop_counts.lead_member_count - hop_counts.member_in_clay_count, 0) as members_missing_in_clay,
        coalesce(hop_counts.clay_foreign_count, 0) as clay_rows_without_member,
        coalesce(hop_counts.smartlead_lead_count, 0) as smartlead_leads,
        coalesce(hop_counts.lead_member_count - hop_counts.member_in_smartlead_count, 0)
            as members_missing_in_smartlead,
        coalesce(hop_counts.smartlead_foreign_count, 0) as smartlead_leads_without_member,
        coalesce(
            hop_counts.lead_member_count = hop_counts.member_in_clay_count
            and hop_counts.lead_member_count = hop_counts.clay_row_count
            and hop_counts.lead_member_count = hop_counts.member_in_smartlead_count
            and hop_counts.lead_member_count = hop_counts.smartlead_lead_count,
            true
        ) as is_complete
    from campaigns
    left join hop_counts
        on
            campaigns.org = hop_counts.org
            and campaigns.campaign_id = hop_counts.campaign_id
)

select * from hop_completeness
