-- R7: what the gates about members measure. Lower is better.
with

members as (
    select * from {{ ref('int_audience__exportable_members') }}
    where is_ai_outreach
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

doubtful_accounts as (
    select * from {{ ref('int_audience__account_relations') }}
    where has_missing_flag or has_contradictory_flag
),

-- by account and by domain apart, because a join over "or" compares every member with every account
doubtful_members as (
    select
        members.org,
        members.campaign_id,
        members.campaign_member_id
    from members
    inner join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    inner join doubtful_accounts
        on
            leads.org = doubtful_accounts.org
            and leads.matched_account_id = doubtful_accounts.account_id
    union distinct
    select
        members.org,
        members.campaign_id,
        members.campaign_member_id
    from members
    inner join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    inner join doubtful_accounts
        on
            leads.org = doubtful_accounts.org
            and members.email_domain = doubtful_accounts.website_domain
),

doubtful_counts as (
    select
        org,
        campaign_id,
        count(*) as doubtful_count
    from doubtful_members
    group by org, campaign_id
),

member_counts as (
    select
        org,
        campaign_id,
        count(*) as member_count,
        sum(case when member_type = 'lead' then 1 else 0 end) as lead_member_count,
        sum(case when is_exportable then 0 else 1 end) as not_exportable_count,
        sum(
            case
                when
                    {{ salesforce_id_18('campaign_member_id') }} is null
                    or {{ salesforce_id_18('lead_id') }} is null
                    then 1
                else 0
            end
        ) as without_ids_count
    from members
    group by org, campaign_id
),

flags_audited as (
    select
        member_counts.org,
        member_counts.campaign_id,
        'customer_partner_flags_audited' as gate,
        coalesce(doubtful_counts.doubtful_count, 0) as measured_value,
        concat_ws(
            ' ',
            cast(coalesce(doubtful_counts.doubtful_count, 0) as {{ dbt.type_string() }}), 'of',
            cast(member_counts.lead_member_count as {{ dbt.type_string() }}),
            'lead members have an account whose flags are missing or contradict its type'
        ) as evidence
    from member_counts
    left join doubtful_counts
        on
            member_counts.org = doubtful_counts.org
            and member_counts.campaign_id = doubtful_counts.campaign_id
),

not_exportable as (
    select
        org,
        campaign_id,
        'members_eligible' as gate,
        not_exportable_count as measured_value,
        concat_ws(
            ' ',
            cast(not_exportable_count as {{ dbt.type_string() }}), 'of',
            cast(member_count as {{ dbt.type_string() }}),
            'members may not be contacted; fct_lead_eligibility gives the reasons'
        ) as evidence
    from member_counts
),

ids_present as (
    select
        org,
        campaign_id,
        'ids_present' as gate,
        without_ids_count as measured_value,
        concat_ws(
            ' ',
            cast(without_ids_count as {{ dbt.type_string() }}), 'of',
            cast(member_count as {{ dbt.type_string() }}),
            'members lack CampaignMemberId or LeadId; contacts have no LeadId'
        ) as evidence
    from member_counts
),

measurements as (
    select * from flags_audited
    union all
    select * from not_exportable
    union all
    select * from ids_present
)

select * from measurements
