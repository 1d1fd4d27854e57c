-- R7: what else speaks for a customer or partner where the flags of the matched account do not: the account's type, an
-- account whose website is the domain of the lead's address, and the account of a contact with that very address. An
-- open opportunity counts on the matched account alone.
with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

account_relations as (
    select * from {{ ref('int_audience__account_relations') }}
),

contacts as (
    select * from {{ ref('stg_salesforce__contacts') }}
    where not is_deleted
),

free_mail_domains as (
    select entry
    from {{ ref('address_lists') }}
    where list_name = 'free_mail_domain'
),

-- a free-mail provider that is a customer does not make customers of everybody who writes with it
domains as (
    select
        account_relations.org,
        account_relations.website_domain,
        bool_or(account_relations.is_customer or account_relations.is_customer_by_type) as is_customer,
        bool_or(account_relations.is_partner or account_relations.is_partner_by_type) as is_partner
    from account_relations
    left join free_mail_domains on account_relations.website_domain = free_mail_domains.entry
    where account_relations.website_domain is not null and free_mail_domains.entry is null
    group by account_relations.org, account_relations.website_domain
),

contact_addresses as (
    select
        contacts.org,
        contacts.email,
        bool_or(account_relations.is_customer or account_relations.is_customer_by_type) as is_customer,
        bool_or(account_relations.is_partner or account_relations.is_partner_by_type) as is_partner
    from contacts
    inner join account_relations
        on
            contacts.org = account_relations.org
            and contacts.account_id = account_relations.account_id
    where contacts.email is not null
    group by contacts.org, contacts.email
),

found as (
    select
        leads.org,
        leads.lead_id,
        matched_account.account_id is not null as has_account,
        coalesce(matched_account.is_customer, false) as is_customer,
        coalesce(matched_account.is_partner, false) as is_partner,
        coalesce(matched_account.is_customer_by_type, false) as is_customer_by_type,
        coalesce(matched_account.is_partner_by_type, false) as is_partner_by_type,
        coalesce(matched_account.has_open_opportunity, false) as has_open_opportunity,
        coalesce(domains.is_customer, false) as is_customer_domain,
        coalesce(domains.is_partner, false) as is_partner_domain,
        coalesce(contact_addresses.is_customer, false) as is_customer_contact,
        coalesce(contact_addresses.is_partner, false) as is_partner_contact
    from leads
    left join account_relations as matched_account
        on
            leads.org = matched_account.org
            and leads.matched_account_id = matched_account.account_id
    left join domains
        on
            leads.org = domains.org
            and split_part(leads.email, '@', 2) = domains.website_domain
    left join contact_addresses
        on
            leads.org = contact_addresses.org
            and leads.email = contact_addresses.email
),

relation_flags as (
    select
        org,
        lead_id,
        has_account,
        has_open_opportunity,
        is_customer,
        is_partner,
        is_customer_by_type and not is_customer as is_customer_by_account_type,
        is_partner_by_type and not is_partner as is_partner_by_account_type,
        is_customer_domain and not is_customer as is_customer_by_domain,
        is_partner_domain and not is_partner as is_partner_by_domain,
        is_customer_contact and not is_customer as is_customer_by_contact,
        is_partner_contact and not is_partner as is_partner_by_contact
    from found
)

select * from relation_flags
