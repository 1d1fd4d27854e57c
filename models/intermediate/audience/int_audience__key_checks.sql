{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    meta={'only_new_events': true}
) }}

-- R5: what another system says about member and lead is checked against Salesforce. The first check that fails is the
-- reason; nothing is guessed, and a row with a reason has no member.
with

claims as (
    select * from {{ ref('int_audience__key_claims') }}
    {%- if is_incremental() %}
        where claim_source = 'clay_callback' and try_cast(claim_key as bigint) > {{ last_claimed_callback() }}
    {%- endif %}
),

-- beside new claims only the members and leads that they name
members as (
    select * from {{ ref('stg_salesforce__campaign_members') }}
    {%- if is_incremental() %}
        where campaign_member_id in (select claims.campaign_member_id from claims)
    {%- endif %}
),

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
    {%- if is_incremental() %}
        where lead_id in (select claims.lead_id from claims union all select members.lead_id from members)
    {%- endif %}
),

redirects as (
    select * from {{ ref('int_audience__lead_redirects') }}
),

current_leads as (
    select
        leads.org,
        leads.lead_id,
        coalesce(redirects.survivor_lead_id, leads.lead_id) as current_lead_id,
        case
            when redirects.lead_id is null then leads.is_deleted
            else coalesce(redirects.is_survivor_deleted, true)
        end as is_gone
    from leads
    left join redirects
        on
            leads.org = redirects.org
            and leads.lead_id = redirects.lead_id
),

known_members as (
    select
        members.org,
        members.campaign_member_id,
        members.campaign_id,
        members.is_deleted,
        coalesce(members.is_visible, true) as is_visible,
        current_leads.current_lead_id,
        coalesce(current_leads.is_gone, false) as is_lead_gone,
        coalesce(campaigns.is_ai_outreach, false) as is_ai_outreach,
        coalesce(campaigns.is_deleted, false) as is_campaign_deleted
    from members
    left join campaigns
        on
            members.org = campaigns.org
            and members.campaign_id = campaigns.campaign_id
    left join current_leads
        on
            members.org = current_leads.org
            and members.lead_id = current_leads.lead_id
),

placed_claims as (
    select
        *,
        coalesce(mapped_org, org_as_received) as org
    from claims
),

looked_up as (
    select
        claims.*,
        known_members.campaign_id as member_campaign_id,
        known_members.current_lead_id as member_lead_id,
        known_members.is_lead_gone,
        known_members.is_ai_outreach,
        known_members.is_campaign_deleted,
        known_members.is_deleted as is_member_deleted,
        known_members.is_visible as is_member_visible,
        known_members.campaign_member_id is not null as is_member_known,
        claimed_leads.current_lead_id as claimed_lead_id
    from placed_claims as claims
    left join known_members
        on
            claims.org = known_members.org
            and claims.campaign_member_id = known_members.campaign_member_id
    left join current_leads as claimed_leads
        on
            claims.org = claimed_leads.org
            and claims.lead_id = claimed_leads.lead_id
),

judged as (
    select
        *,
        case
            when is_malformed then 'row_malformed'
            when is_campaign_unmapped then 'campaign_not_mapped'
            when org is null then 'org_missing'
            when org_as_received != org then 'org_disagrees'
            when coalesce(trim(campaign_member_id_as_received), '') = '' then 'campaign_member_id_missing'
            when campaign_member_id is null then 'campaign_member_id_malformed'
            when coalesce(trim(lead_id_as_received), '') = '' then 'lead_id_missing'
            when lead_id is null then 'lead_id_malformed'
            when not is_member_known then 'member_not_in_salesforce'
            when is_member_deleted then 'member_deleted'
            when not is_member_visible then 'member_not_visible'
            when is_campaign_deleted then 'campaign_deleted'
            when mapped_campaign_id != member_campaign_id then 'member_of_another_campaign'
            when not is_ai_outreach then 'campaign_not_ai_outreach'
            when claimed_lead_id is null then 'lead_not_in_salesforce'
            when member_lead_id is null or claimed_lead_id != member_lead_id then 'lead_disagrees'
            when is_lead_gone then 'lead_deleted'
        end as unmatched_reason
    from looked_up
),

checked as (
    select
        claim_source,
        claim_key,
        org,
        campaign_member_id_as_received,
        lead_id_as_received,
        unmatched_reason,
        mapped_campaign_id,
        smartlead_campaign_id,
        email,
        case when unmatched_reason is null then member_campaign_id end as campaign_id,
        case when unmatched_reason is null then campaign_member_id end as campaign_member_id,
        case when unmatched_reason is null then member_lead_id end as lead_id
    from judged
)

select * from checked
