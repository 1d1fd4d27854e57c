-- R5: each lead of each Smartlead campaign and the campaign member it stands for, or why it stands for none.
with

campaign_leads as (
    select * from {{ ref('stg_smartlead__campaign_leads') }}
),

checks as (
    select * from {{ ref('int_audience__key_checks') }}
    where claim_source = 'smartlead_lead'
),

matched as (
    select
        campaign_leads.campaign_lead_map_id,
        campaign_leads.smartlead_campaign_id,
        campaign_leads.smartlead_lead_id,
        campaign_leads.category_id,
        checks.org,
        checks.campaign_id,
        checks.campaign_member_id,
        checks.lead_id,
        campaign_leads.campaign_member_id_as_received,
        campaign_leads.lead_id_as_received,
        campaign_leads.email,
        campaign_leads.lead_status,
        checks.unmatched_reason,
        campaign_leads.is_unsubscribed,
        -- mails and events name the address only; where two leads of a campaign share it, it leads to nobody
        count(*) over (
            partition by campaign_leads.smartlead_campaign_id, campaign_leads.email
        ) = 1 as is_email_unique,
        campaign_leads.created_at
    from campaign_leads
    inner join checks
        on campaign_leads.campaign_lead_map_id = checks.claim_key
)

select * from matched
