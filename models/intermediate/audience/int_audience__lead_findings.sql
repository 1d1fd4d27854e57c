-- What each rule of seeds/eligibility_rules.csv finds about each lead, in a column of its own; whether a rule is in
-- force is decided later.
with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

relation_flags as (
    select * from {{ ref('int_audience__relation_flags') }}
),

contact_stops as (
    select * from {{ ref('int_audience__contact_stops') }}
),

lead_bounces as (
    select * from {{ ref('int_deliverability__lead_bounces') }}
),

engagements as (
    select * from {{ ref('int_audience__engagements') }}
),

address_lists as (
    select * from {{ ref('address_lists') }}
),

audience_scope as (
    select * from {{ ref('audience_scope') }}
),

stopped_addresses as (
    select
        email,
        bool_or(stop_reason = 'unsubscribed') as is_unsubscribed,
        bool_or(stop_reason = 'do_not_contact') as is_do_not_contact,
        bool_or(stop_reason = 'hard_bounced') as is_hard_bounced,
        bool_or(stop_reason = 'bounced_for_unknown_reason') as is_unclassified_bounce
    from contact_stops
    where email is not null
    group by email
),

stopped_leads as (
    select
        org,
        lead_id,
        bool_or(stop_reason = 'unsubscribed') as is_unsubscribed,
        bool_or(stop_reason = 'do_not_contact') as is_do_not_contact
    from contact_stops
    where lead_id is not null
    group by org, lead_id
),

engaged as (
    select
        person_key,
        bool_or(rule_id = 'contacted_recently') as is_contacted_recently,
        bool_or(rule_id = 'in_running_campaign') as is_in_running_campaign
    from engagements
    group by person_key
),

scopes as (
    select distinct
        org,
        dimension
    from audience_scope
),

lead_findings as (
    select
        leads.org,
        leads.lead_id,
        leads.email,
        coalesce(relation_flags.is_customer, false) as is_customer,
        coalesce(relation_flags.is_partner, false) as is_partner,
        coalesce(relation_flags.is_customer_by_account_type, false) as is_customer_by_account_type,
        coalesce(relation_flags.is_partner_by_account_type, false) as is_partner_by_account_type,
        coalesce(relation_flags.is_customer_by_domain, false) as is_customer_by_domain,
        coalesce(relation_flags.is_partner_by_domain, false) as is_partner_by_domain,
        coalesce(relation_flags.is_customer_by_contact, false) as is_customer_by_contact,
        coalesce(relation_flags.is_partner_by_contact, false) as is_partner_by_contact,
        coalesce(relation_flags.has_open_opportunity, false) as is_open_opportunity,
        coalesce(leads.has_opted_out_of_email, true) as is_opted_out,
        coalesce(lead_bounces.is_overall_hard_bounced, false) or coalesce(stopped_addresses.is_hard_bounced, false)
            as is_hard_bounced,
        lead_bounces.is_overall_hard_bounced is null or lead_bounces.has_unclassified_bounce
        or coalesce(stopped_addresses.is_unclassified_bounce, false) as is_hard_bounce_unknown,
        coalesce(stopped_addresses.is_do_not_contact, false) or coalesce(stopped_leads.is_do_not_contact, false)
            as is_do_not_contact,
        coalesce(stopped_addresses.is_unsubscribed, false) or coalesce(stopped_leads.is_unsubscribed, false)
            as is_unsubscribed,
        coalesce(leads.is_converted, false) as is_converted,
        leads.merged_into_lead_id is not null as is_merged,
        leads.is_deleted and leads.merged_into_lead_id is null as is_deleted,
        not leads.is_visible and not leads.is_deleted as is_not_visible,
        leads.email is null as is_email_missing,
        leads.email is not null
        and not {{ matches('leads.email', "'^[^@ ,;<>]+@[^@ ,;<>]+[.][^@ ,;<>.]+$'") }} as is_email_invalid,
        role_addresses.entry is not null as is_role_address,
        free_mail.entry is not null as is_free_mail_address,
        coalesce(engaged_leads.is_contacted_recently, false)
        or coalesce(engaged_addresses.is_contacted_recently, false) as is_contacted_recently,
        coalesce(engaged_leads.is_in_running_campaign, false)
        or coalesce(engaged_addresses.is_in_running_campaign, false) as is_in_running_campaign,
        gbu_scopes.org is not null and gbus.org is null as is_outside_gbus,
        country_scopes.org is not null and countries.org is null as is_outside_countries,
        coalesce(leads.is_erased, false) as is_erased
    from leads
    left join relation_flags
        on
            leads.org = relation_flags.org
            and leads.lead_id = relation_flags.lead_id
    left join lead_bounces
        on
            leads.org = lead_bounces.org
            and leads.lead_id = lead_bounces.lead_id
    left join stopped_addresses
        on leads.email = stopped_addresses.email
    left join stopped_leads
        on
            leads.org = stopped_leads.org
            and leads.lead_id = stopped_leads.lead_id
    left join engaged as engaged_leads
        on leads.org || ' ' || leads.lead_id = engaged_leads.person_key
    left join engaged as engaged_addresses
        on leads.email = engaged_addresses.person_key
    left join address_lists as role_addresses
        on
            role_addresses.list_name = 'role_address'
            and split_part(split_part(leads.email, '@', 1), '+', 1) = role_addresses.entry
    left join address_lists as free_mail
        on
            free_mail.list_name = 'free_mail_domain'
            and split_part(leads.email, '@', 2) = free_mail.entry
    left join scopes as gbu_scopes
        on
            gbu_scopes.dimension = 'gbu'
            and leads.org = gbu_scopes.org
    left join audience_scope as gbus
        on
            gbus.dimension = 'gbu'
            and leads.org = gbus.org
            and lower(trim(leads.gbu)) = lower(gbus.allowed_value)
    left join scopes as country_scopes
        on
            country_scopes.dimension = 'country'
            and leads.org = country_scopes.org
    left join audience_scope as countries
        on
            countries.dimension = 'country'
            and leads.org = countries.org
            and lower(trim(leads.country)) = lower(countries.allowed_value)
)

select * from lead_findings
