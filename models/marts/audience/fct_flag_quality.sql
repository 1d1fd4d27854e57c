-- R7: the audit of customer and partner flags before a campaign: what the lead members' accounts say, how far that can
-- be trusted, and whom only the fallback keeps out.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where is_ai_outreach and not is_deleted
),

members as (
    select * from {{ ref('int_audience__exportable_members') }}
    where is_ai_outreach and member_type = 'lead'
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

account_relations as (
    select * from {{ ref('int_audience__account_relations') }}
),

eligibility as (
    select * from {{ ref('int_audience__lead_eligibility') }}
),

audience_limits as (
    select * from {{ ref('audience_limits') }}
    where limit_id = 'flags_stale_after'
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

checked as (
    select
        members.org,
        members.campaign_id,
        account_relations.account_id is null as is_without_account,
        coalesce(account_relations.has_missing_flag, false) as has_missing_flag,
        coalesce(account_relations.has_contradictory_flag, false) as has_contradictory_flag,
        coalesce(
            {{ days_between('account_relations.updated_at', 'as_of.as_of_at') }} > audience_limits.value, false
        ) as has_stale_flag,
        coalesce(eligibility.is_customer or eligibility.is_partner, false) as is_excluded_by_flag,
        coalesce(eligibility.is_customer_by_account_type or eligibility.is_partner_by_account_type, false)
            as is_found_by_account_type,
        coalesce(eligibility.is_customer_by_domain or eligibility.is_partner_by_domain, false) as is_found_by_domain,
        coalesce(eligibility.is_customer_by_contact or eligibility.is_partner_by_contact, false)
            as is_found_by_contact,
        coalesce(eligibility.is_excluded_by_fallback_only, false) as is_excluded_by_fallback_only
    from members
    cross join as_of
    cross join audience_limits
    left join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    left join account_relations
        on
            leads.org = account_relations.org
            and leads.matched_account_id = account_relations.account_id
    left join eligibility
        on
            members.org = eligibility.org
            and members.lead_id = eligibility.lead_id
),

counted as (
    select
        org,
        campaign_id,
        count(*) as lead_members,
        sum(case when is_without_account then 1 else 0 end) as members_without_account,
        sum(case when has_missing_flag then 1 else 0 end) as members_with_missing_flag,
        sum(case when has_contradictory_flag then 1 else 0 end) as members_with_contradictory_flag,
        sum(case when has_stale_flag then 1 else 0 end) as members_with_stale_flag,
        sum(case when is_excluded_by_flag then 1 else 0 end) as members_excluded_by_flag,
        sum(case when is_found_by_account_type then 1 else 0 end) as members_found_by_account_type,
        sum(case when is_found_by_domain then 1 else 0 end) as members_found_by_domain,
        sum(case when is_found_by_contact then 1 else 0 end) as members_found_by_contact,
        sum(case when is_excluded_by_fallback_only then 1 else 0 end) as members_excluded_by_fallback_only
    from checked
    group by org, campaign_id
),

{%- set counts = [
    'lead_members', 'members_without_account', 'members_with_missing_flag', 'members_with_contradictory_flag',
    'members_with_stale_flag', 'members_excluded_by_flag', 'members_found_by_account_type', 'members_found_by_domain',
    'members_found_by_contact', 'members_excluded_by_fallback_only'
] %}

flag_quality as (
    select
        campaigns.org,
        campaigns.campaign_id,
        {%- for count in counts %}
            cast(coalesce(counted.{{ count }}, 0) as bigint) as {{ count }},
        {%- endfor %}
        campaigns.campaign_name
    from campaigns
    left join counted
        on
            campaigns.org = counted.org
            and campaigns.campaign_id = counted.campaign_id
)

select * from flag_quality
