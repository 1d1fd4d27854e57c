-- Which members may go out (R5, R7): both keys, an AI campaign, a lead that no rule excludes, an address of its own.
-- What the campaign itself does with its members is no reason against them; what another campaign does, is.
with

members as (
    select * from {{ ref('int_audience__members') }}
),

leads as (
    select * from {{ ref('int_audience__lead_eligibility') }}
),

eligibility_reasons as (
    select * from {{ ref('int_audience__eligibility_reasons') }}
),

engagements as (
    select * from {{ ref('int_audience__engagements') }}
),

excluded_leads as (
    select distinct
        org,
        lead_id
    from eligibility_reasons
    where not is_campaign_relative
),

relative_rules as (
    select distinct rule_id
    from eligibility_reasons
    where is_campaign_relative
),

member_keys as (
    select
        org,
        campaign_member_id,
        org || ' ' || campaign_id as campaign_key,
        org || ' ' || lead_id as person_key
    from members
    where lead_id is not null
    union all
    select
        org,
        campaign_member_id,
        org || ' ' || campaign_id as campaign_key,
        email as person_key
    from members
    where email is not null
),

engaged_elsewhere as (
    select distinct
        member_keys.org,
        member_keys.campaign_member_id
    from member_keys
    inner join engagements on member_keys.person_key = engagements.person_key
    inner join relative_rules on engagements.rule_id = relative_rules.rule_id
    where
        member_keys.campaign_key <> engagements.first_campaign_key
        or member_keys.campaign_key <> engagements.last_campaign_key
),

judged as (
    select
        members.*,
        split_part(members.email, '@', 2) as email_domain,
        leads.lead_id is not null
        and excluded_leads.lead_id is null
        and engaged_elsewhere.campaign_member_id is null as is_eligible,
        -- Smartlead knows a person by address: of the members of a campaign who share one, only the first may go out
        members.email is not null
        and row_number() over (
            partition by members.org, members.campaign_id, members.email
            order by members.campaign_member_id
        ) > 1 as is_duplicate_email
    from members
    left join leads
        on
            members.org = leads.org
            and members.lead_id = leads.lead_id
    left join excluded_leads
        on
            members.org = excluded_leads.org
            and members.lead_id = excluded_leads.lead_id
    left join engaged_elsewhere
        on
            members.org = engaged_elsewhere.org
            and members.campaign_member_id = engaged_elsewhere.campaign_member_id
),

exportable_members as (
    select
        *,
        is_ai_outreach
        and member_type = 'lead'
        and lead_id is not null
        and is_eligible
        and not is_duplicate_email as is_exportable
    from judged
)

select * from exportable_members
