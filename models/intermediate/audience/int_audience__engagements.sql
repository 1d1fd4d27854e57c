-- R7: what AI campaigns are doing with a person right now: mailing, or being about to. One row for each rule and each
-- key of the person - the lead, and the address in any org - with the campaigns that do it, so that a campaign can
-- leave itself out.
with

members as (
    select * from {{ ref('int_audience__members') }}
    where is_ai_outreach
),

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

audience_limits as (
    select * from {{ ref('audience_limits') }}
    where limit_id = 'cooling_period'
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

running as (
    select
        'in_running_campaign' as rule_id,
        members.org,
        members.lead_id,
        members.email,
        members.org || ' ' || members.campaign_id as campaign_key
    from members
    inner join campaigns
        on
            members.org = campaigns.org
            and members.campaign_id = campaigns.campaign_id
    cross join as_of
    where
        lower(trim(campaigns.campaign_status)) = 'in progress'
        and coalesce(campaigns.ends_on >= cast(as_of.as_of_at as date), true)
),

-- a mail that no campaign map knows was sent by a campaign all the same
contacted as (
    select
        'contacted_recently' as rule_id,
        sent_mails.org,
        sent_mails.lead_id,
        sent_mails.email,
        coalesce(
            campaign_map.org || ' ' || campaign_map.campaign_id,
            'smartlead ' || cast(sent_mails.smartlead_campaign_id as {{ dbt.type_string() }})
        ) as campaign_key
    from sent_mails
    cross join as_of
    cross join audience_limits
    left join campaign_map on sent_mails.smartlead_campaign_id = campaign_map.smartlead_campaign_id
    where {{ days_between('sent_mails.sent_at', 'as_of.as_of_at') }} < audience_limits.value
),

engaged as (
    select * from running
    union all
    select * from contacted
),

keyed as (
    select
        rule_id,
        org || ' ' || lead_id as person_key,
        campaign_key
    from engaged
    where lead_id is not null
    union all
    select
        rule_id,
        email as person_key,
        campaign_key
    from engaged
    where email is not null
),

engagements as (
    select
        rule_id,
        person_key,
        min(campaign_key) as first_campaign_key,
        max(campaign_key) as last_campaign_key
    from keyed
    group by rule_id, person_key
)

select * from engagements
