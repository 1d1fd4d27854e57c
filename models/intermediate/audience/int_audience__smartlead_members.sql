-- R5: each lead of each Smartlead campaign and the campaign member it stands for, or why it stands for none; and each
-- address that stands for a member because a person said so.
with

campaign_leads as (
    select * from {{ ref('stg_smartlead__campaign_leads') }}
),

checks as (
    select * from {{ ref('int_audience__key_checks') }}
),

roster as (
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
        on
            checks.claim_source = 'smartlead_lead'
            and campaign_leads.campaign_lead_map_id = checks.claim_key
),

proven_addresses as (
    select
        smartlead_campaign_id,
        email
    from roster
    where is_email_unique and unmatched_reason is null
),

accepted_addresses as (
    select checks.*
    from checks
    left join proven_addresses
        on
            checks.smartlead_campaign_id = proven_addresses.smartlead_campaign_id
            and checks.email = proven_addresses.email
    where
        checks.claim_source = 'smartlead_address'
        and checks.unmatched_reason is null
        and proven_addresses.email is null
),

members as (
    select
        roster.campaign_lead_map_id,
        roster.smartlead_campaign_id,
        roster.smartlead_lead_id,
        roster.category_id,
        roster.org,
        roster.campaign_id,
        roster.campaign_member_id,
        roster.lead_id,
        roster.campaign_member_id_as_received,
        roster.lead_id_as_received,
        roster.email,
        roster.lead_status,
        roster.unmatched_reason,
        roster.is_unsubscribed,
        roster.is_email_unique and accepted_addresses.email is null as is_email_unique,
        roster.created_at
    from roster
    left join accepted_addresses
        on
            roster.smartlead_campaign_id = accepted_addresses.smartlead_campaign_id
            and roster.email = accepted_addresses.email
    union all
    select
        claim_key as campaign_lead_map_id,
        smartlead_campaign_id,
        cast(null as bigint) as smartlead_lead_id,
        cast(null as bigint) as category_id,
        org,
        campaign_id,
        campaign_member_id,
        lead_id,
        campaign_member_id_as_received,
        lead_id_as_received,
        email,
        cast(null as {{ dbt.type_string() }}) as lead_status,
        unmatched_reason,
        false as is_unsubscribed,
        true as is_email_unique,
        cast(null as timestamp) as created_at
    from accepted_addresses
)

select * from members
