-- The members that Salesforce has today, each with its campaign and the person behind it: a lead (after merges the
-- survivor, R5) or a contact. Left out are deleted members and campaigns, and members that the last sweep of all ids no
-- longer found: Salesforce deletes members for good, and its log of deletions does not name all of them.
with

members as (
    select * from {{ ref('stg_salesforce__campaign_members') }}
    where not is_deleted and coalesce(is_visible, true)
),

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where not is_deleted
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

redirects as (
    select * from {{ ref('int_audience__lead_redirects') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
),

users as (
    select * from {{ ref('stg_salesforce__users') }}
),

with_current_lead as (
    select
        members.*,
        coalesce(redirects.survivor_lead_id, members.lead_id) as current_lead_id
    from members
    left join redirects
        on
            members.org = redirects.org
            and members.lead_id = redirects.lead_id
),

with_person as (
    select
        members.org,
        members.campaign_member_id,
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.campaign_status,
        campaigns.starts_on as campaign_starts_on,
        case when members.lead_id is not null then 'lead' else 'contact' end as member_type,
        members.current_lead_id as lead_id,
        members.contact_id,
        coalesce(leads.email, contacts.email) as email,
        coalesce(leads.first_name, contacts.first_name) as first_name,
        coalesce(leads.last_name, contacts.last_name) as last_name,
        leads.company,
        leads.title,
        leads.country,
        coalesce(leads.gbu, campaigns.gbu) as gbu,
        coalesce(leads.owner_id, contacts.owner_id) as owner_id,
        members.member_status,
        members.reply_classification,
        coalesce(campaigns.is_ai_outreach, false) as is_ai_outreach,
        coalesce(members.has_replied, false) as has_replied,
        coalesce(leads.is_converted, false) as is_converted,
        leads.converted_on,
        members.created_at
    from with_current_lead as members
    inner join campaigns
        on
            members.org = campaigns.org
            and members.campaign_id = campaigns.campaign_id
    left join leads
        on
            members.org = leads.org
            and members.current_lead_id = leads.lead_id
    left join contacts
        on
            members.org = contacts.org
            and members.contact_id = contacts.contact_id
            and members.lead_id is null
),

with_owner as (
    select
        with_person.*,
        users.user_name as owner_name
    from with_person
    left join users
        on
            with_person.org = users.org
            and with_person.owner_id = users.user_id
)

select * from with_owner
