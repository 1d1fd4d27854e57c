-- How far each member has come, and when each stage was first reached. Stages never go backwards: whoever has reached a
-- later stage has passed the ones before it, even where nobody saw that happen. So whoever was eligible when we
-- exported or mailed stays eligible; nobody else is, unless today's verdict says so: past verdicts are not kept.
-- A conversion is credited to one campaign (R3): the one in which the lead last became positive by the day of it.
with

members as (
    select
        *,
        coalesce(contact_id, lead_id) as person_id
    from {{ ref('dim_campaign_members') }}
),

memberships as (
    select
        org,
        person_id,
        count(*) as memberships
    from members
    group by org, person_id
),

bounces as (
    select * from {{ ref('fct_lead_bounces') }}
),

own_bounces as (
    select distinct
        org,
        campaign_member_id
    from {{ ref('fct_bounce_events') }}
    where is_hard_bounce and campaign_member_id is not null
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

smartlead_campaigns as (
    select * from {{ ref('stg_smartlead__campaigns') }}
),

enrichment as (
    select * from {{ ref('fct_lead_enrichment') }}
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
    where campaign_member_id is not null
),

sequences as (
    select * from {{ ref('stg_smartlead__sequences') }}
),

first_mails as (
    select
        sent_mails.org,
        sent_mails.campaign_member_id,
        min_by(sent_mails.mailbox, sent_mails.sent_at) as sender,
        min_by({{ template_hash('sequences') }}, sent_mails.sent_at) as template_hash
    from sent_mails
    left join sequences
        on
            sent_mails.smartlead_campaign_id = sequences.smartlead_campaign_id
            and sent_mails.seq_number = sequences.seq_number
    group by sent_mails.org, sent_mails.campaign_member_id
),

credited as (
    select
        org,
        campaign_member_id,
        row_number() over (
            partition by org, lead_id
            order by first_positive_at desc, campaign_member_id asc
        ) as place
    from members
    where
        is_converted
        and first_positive_at is not null
        and coalesce(cast(first_positive_at as date) <= converted_on, true)
),

placed as (
    select
        members.*,
        memberships.memberships > 1 as has_other_memberships,
        coalesce(enrichment.icp_tier, 'unknown') as icp_tier,
        coalesce(enrichment.industry, 'unknown') as industry,
        coalesce(first_mails.sender, 'unknown') as sender,
        coalesce(first_mails.template_hash, 'unknown') as template_hash,
        coalesce(bounces.is_overall_hard_bounced, false) as is_hard_bounced,
        own_bounces.campaign_member_id is not null as is_hard_bounced_in_smartlead,
        members.has_replied and members.first_replied_at is null as has_replied_only_in_salesforce,
        coalesce(smartlead_campaigns.is_open_tracked, false) as is_open_tracked,
        case
            when credited.place = 1 then 10
            when members.first_positive_at is not null then 9
            when members.first_replied_at is not null then 8
            when members.first_opened_at is not null then 7
            when members.first_delivered_at is not null then 6
            when members.first_sent_at is not null then 5
            when members.enriched_at is not null then 4
            when members.exported_at is not null then 3
            when members.is_eligible then 2
            else 1
        end as stage_number
    from members
    left join memberships
        on
            members.org = memberships.org
            and members.person_id = memberships.person_id
    left join bounces
        on
            members.org = bounces.org
            and members.lead_id = bounces.lead_id
    left join own_bounces
        on
            members.org = own_bounces.org
            and members.campaign_member_id = own_bounces.campaign_member_id
    left join campaign_map
        on
            members.org = campaign_map.org
            and members.campaign_id = campaign_map.campaign_id
    left join smartlead_campaigns
        on campaign_map.smartlead_campaign_id = smartlead_campaigns.smartlead_campaign_id
    left join first_mails
        on
            members.org = first_mails.org
            and members.campaign_member_id = first_mails.campaign_member_id
    left join credited
        on
            members.org = credited.org
            and members.campaign_member_id = credited.campaign_member_id
    left join enrichment
        on
            members.org = enrichment.org
            and members.lead_id = enrichment.lead_id
)

select * from placed
