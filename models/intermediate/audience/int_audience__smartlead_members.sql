-- R5: each lead of each Smartlead campaign and the campaign member it stands for, or why it stands for none; and each
-- address that stands for a member because a person said so.
with

campaign_leads as (
    select * from {{ ref('stg_smartlead__campaign_leads') }}
),

campaigns as (
    select * from {{ ref('stg_smartlead__campaigns') }}
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
        -- what was removed from its campaign stays known; a campaign that is gone itself keeps what it had
        coalesce(campaign_leads.seen_at >= campaigns.seen_at, campaigns.seen_at is null) as is_listed,
        campaign_leads.created_at
    from campaign_leads
    left join campaigns on campaign_leads.smartlead_campaign_id = campaigns.smartlead_campaign_id
    inner join checks
        on
            checks.claim_source = 'smartlead_lead'
            and campaign_leads.campaign_lead_map_id = checks.claim_key
),

-- Mails and events name the address only. Who was removed and added again has several rows: one person, if they prove
-- one member and those that prove none are the same lead to Smartlead. Otherwise the address leads to nobody.
shared_addresses as (
    select
        smartlead_campaign_id,
        email,
        coalesce(
            min(campaign_member_id) = max(campaign_member_id)
            and (
                count(campaign_member_id) = count(*)
                or min(smartlead_lead_id) = max(smartlead_lead_id)
            ),
            false
        ) as is_of_one_member
    from roster
    group by smartlead_campaign_id, email
    having count(*) > 1
),

shared_rows as (
    select
        roster.campaign_lead_map_id,
        shared_addresses.is_of_one_member,
        -- a row that proves a member comes first, of those one that is listed, and the newest
        row_number() over (
            partition by roster.smartlead_campaign_id, roster.email
            order by
                case when roster.campaign_member_id is null then 1 else 0 end asc,
                case when roster.is_listed then 0 else 1 end asc,
                roster.created_at desc,
                try_cast(roster.campaign_lead_map_id as bigint) desc,
                roster.campaign_lead_map_id desc
        ) as place
    from roster
    inner join shared_addresses
        on
            roster.smartlead_campaign_id = shared_addresses.smartlead_campaign_id
            and roster.email = shared_addresses.email
),

placed_roster as (
    select
        roster.*,
        coalesce(shared_rows.place, 1) as place,
        coalesce(shared_rows.is_of_one_member and shared_rows.place = 1, true) as is_email_unique
    from roster
    left join shared_rows on roster.campaign_lead_map_id = shared_rows.campaign_lead_map_id
),

proven_addresses as (
    select
        smartlead_campaign_id,
        email
    from placed_roster
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

-- what Smartlead knows of an accepted address; a row that stands for another member says nothing about this one
accepted_rows as (
    select
        accepted_addresses.claim_key,
        placed_roster.category_id,
        placed_roster.is_unsubscribed,
        placed_roster.is_listed,
        placed_roster.created_at,
        row_number() over (
            partition by accepted_addresses.claim_key
            order by placed_roster.place
        ) as place
    from accepted_addresses
    inner join placed_roster
        on
            accepted_addresses.smartlead_campaign_id = placed_roster.smartlead_campaign_id
            and accepted_addresses.email = placed_roster.email
            and accepted_addresses.campaign_member_id
            = coalesce(placed_roster.campaign_member_id, accepted_addresses.campaign_member_id)
),

members as (
    select
        placed_roster.campaign_lead_map_id,
        placed_roster.smartlead_campaign_id,
        placed_roster.smartlead_lead_id,
        placed_roster.category_id,
        placed_roster.org,
        placed_roster.campaign_id,
        placed_roster.campaign_member_id,
        placed_roster.lead_id,
        placed_roster.campaign_member_id_as_received,
        placed_roster.lead_id_as_received,
        placed_roster.email,
        placed_roster.lead_status,
        placed_roster.unmatched_reason,
        placed_roster.is_unsubscribed,
        placed_roster.is_email_unique and accepted_addresses.email is null as is_email_unique,
        placed_roster.is_listed,
        placed_roster.created_at
    from placed_roster
    left join accepted_addresses
        on
            placed_roster.smartlead_campaign_id = accepted_addresses.smartlead_campaign_id
            and placed_roster.email = accepted_addresses.email
    union all
    select
        accepted_addresses.claim_key as campaign_lead_map_id,
        accepted_addresses.smartlead_campaign_id,
        cast(null as bigint) as smartlead_lead_id,
        accepted_rows.category_id,
        accepted_addresses.org,
        accepted_addresses.campaign_id,
        accepted_addresses.campaign_member_id,
        accepted_addresses.lead_id,
        accepted_addresses.campaign_member_id_as_received,
        accepted_addresses.lead_id_as_received,
        accepted_addresses.email,
        cast(null as {{ dbt.type_string() }}) as lead_status,
        accepted_addresses.unmatched_reason,
        coalesce(accepted_rows.is_unsubscribed, false) as is_unsubscribed,
        true as is_email_unique,
        coalesce(accepted_rows.is_listed, false) as is_listed,
        accepted_rows.created_at
    from accepted_addresses
    left join accepted_rows
        on
            accepted_addresses.claim_key = accepted_rows.claim_key
            and accepted_rows.place = 1
)

select * from members
