-- Which members may go out (R5, R7): both keys, an AI campaign, an eligible lead, an address of its own.
with

members as (
    select * from {{ ref('int_audience__members') }}
),

eligibility as (
    select * from {{ ref('int_audience__lead_eligibility') }}
),

judged as (
    select
        members.*,
        split_part(members.email, '@', 2) as email_domain,
        coalesce(eligibility.is_eligible, false) as is_eligible,
        -- Smartlead knows a person by address: of the members of a campaign who share one, only the first may go out
        members.email is not null
        and row_number() over (
            partition by members.org, members.campaign_id, members.email
            order by members.campaign_member_id
        ) > 1 as is_duplicate_email
    from members
    left join eligibility
        on
            members.org = eligibility.org
            and members.lead_id = eligibility.lead_id
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
