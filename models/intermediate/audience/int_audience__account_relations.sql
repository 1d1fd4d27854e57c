-- What each account says about being a customer or partner: its flags, its type, and whether the flags can be trusted.
with

accounts as (
    select * from {{ ref('stg_salesforce__accounts') }}
    where not is_deleted
),

read as (
    select
        org,
        account_id,
        updated_at,
        nullif({{ website_domain('website') }}, '') as website_domain,
        case lower(trim(customer_flag)) when 'yes' then true when 'no' then false end as is_customer,
        case lower(trim(partner_flag)) when 'yes' then true when 'no' then false end as is_partner,
        coalesce(lower(account_type) like '%customer%', false) as is_customer_by_type,
        coalesce(lower(account_type) like '%partner%', false) as is_partner_by_type
    from accounts
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
        is_customer is null or is_partner is null as has_missing_flag,
        coalesce(is_customer_by_type and not is_customer, false)
        or coalesce(is_partner_by_type and not is_partner, false) as has_contradictory_flag
    from read
)

select * from relations
