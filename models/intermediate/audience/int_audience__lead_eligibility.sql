-- May this lead be contacted? Every reason that speaks against it is a column of its own; the verdict is computed here,
-- independently of Salesforce's formula, and the two are compared.
with

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

lead_formulas as (
    select * from {{ ref('stg_salesforce__lead_formulas') }}
),

account_relations as (
    select * from {{ ref('int_audience__account_relations') }}
),

contact_stops as (
    select * from {{ ref('int_audience__contact_stops') }}
),

lead_bounces as (
    select * from {{ ref('int_deliverability__lead_bounces') }}
),

-- R7: the agreed fallback. An account whose website is the lead's e-mail domain speaks for the lead as well.
domains as (
    select
        org,
        website_domain,
        bool_or(is_customer or is_customer_by_type) as is_customer,
        bool_or(is_partner or is_partner_by_type) as is_partner
    from account_relations
    where website_domain is not null
    group by org, website_domain
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

reasons as (
    select
        leads.org,
        leads.lead_id,
        leads.email,
        coalesce(matched_account.is_customer, false) as is_customer,
        coalesce(matched_account.is_partner, false) as is_partner,
        coalesce(matched_account.is_customer_by_type, false) or coalesce(domains.is_customer, false)
            as is_customer_by_fallback,
        coalesce(matched_account.is_partner_by_type, false) or coalesce(domains.is_partner, false)
            as is_partner_by_fallback,
        coalesce(leads.has_opted_out_of_email, true) as has_opted_out,
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
        case when leads.is_visible and not leads.is_deleted then lead_formulas.is_cold_lead_eligible end
            as is_cold_lead_eligible
    from leads
    left join lead_formulas
        on
            leads.org = lead_formulas.org
            and leads.lead_id = lead_formulas.lead_id
    left join account_relations as matched_account
        on
            leads.org = matched_account.org
            and leads.matched_account_id = matched_account.account_id
    left join domains
        on
            leads.org = domains.org
            and split_part(leads.email, '@', 2) = domains.website_domain
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
),

listed as (
    select
        *,
        nullif(concat_ws(
            ', ',
            case when is_customer then 'customer' end,
            case when is_partner then 'partner' end,
            case when is_customer_by_fallback and not is_customer then 'customer_by_fallback' end,
            case when is_partner_by_fallback and not is_partner then 'partner_by_fallback' end,
            case when has_opted_out then 'opted_out' end,
            case when is_hard_bounced then 'hard_bounced' end,
            case when is_hard_bounce_unknown then 'hard_bounce_unknown' end,
            case when is_do_not_contact then 'do_not_contact' end,
            case when is_unsubscribed then 'unsubscribed' end,
            case when is_converted then 'converted' end,
            case when is_merged then 'merged' end,
            case when is_deleted then 'deleted' end,
            case when is_not_visible then 'not_visible' end,
            case when is_email_missing then 'email_missing' end,
            case when is_email_invalid then 'email_invalid' end
        ), '') as exclusion_reasons
    from reasons
),

lead_eligibility as (
    select
        org,
        lead_id,
        exclusion_reasons is null as is_eligible,
        is_cold_lead_eligible,
        (exclusion_reasons is null) = is_cold_lead_eligible as is_agreeing,
        exclusion_reasons,
        is_customer,
        is_partner,
        is_customer_by_fallback,
        is_partner_by_fallback,
        has_opted_out,
        is_hard_bounced,
        is_hard_bounce_unknown,
        is_do_not_contact,
        is_unsubscribed,
        is_converted,
        is_merged,
        is_deleted,
        is_not_visible,
        is_email_missing,
        is_email_invalid
    from listed
)

select * from lead_eligibility
