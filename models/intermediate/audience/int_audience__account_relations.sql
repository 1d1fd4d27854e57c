-- What each account says about being a customer or partner: its flags, its type, and whether the flags can be trusted;
-- and whether a deal with it is open. An opportunity that we may not see any more is as it was.
with

accounts as (
    select * from {{ ref('stg_salesforce__accounts') }}
    where not is_deleted
),

open_opportunities as (
    select distinct
        org,
        account_id
    from {{ ref('stg_salesforce__opportunities') }}
    where not is_deleted and not coalesce(is_closed, false)
),

read as (
    select
        accounts.org,
        accounts.account_id,
        accounts.updated_at,
        nullif({{ website_domain("accounts.website") }}, '') as website_domain,
        case lower(trim(accounts.customer_flag)) when 'yes' then true when 'no' then false end as is_customer,
        case lower(trim(accounts.partner_flag)) when 'yes' then true when 'no' then false end as is_partner,
        coalesce(lower(accounts.account_type) like '%customer%', false) as is_customer_by_type,
        coalesce(lower(accounts.account_type) like '%partner%', false) as is_partner_by_type,
        open_opportunities.account_id is not null as has_open_opportunity
    from accounts
    left join open_opportunities
        on
            accounts.org = open_opportunities.org
            and accounts.account_id = open_opportunities.account_id
),

relations as (
    select
        org,
        account_id,
        updated_at,
        website_domain,
        coalesce(is_customer, false) as is_customer,
        coalesce(is_partner, false) as is_partner,
        is_customer_by_type,
        is_partner_by_type,
        has_open_opportunity,
        is_customer is null or is_partner is null as has_missing_flag,
        coalesce(is_customer_by_type and not is_customer, false)
        or coalesce(is_partner_by_type and not is_partner, false) as has_contradictory_flag
    from read
)

select * from relations
