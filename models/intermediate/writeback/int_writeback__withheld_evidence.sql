-- What the evidence would want in Salesforce if it counted: bounces of unknown class (R2), and replies and hard bounces
-- of members, campaigns and leads that are gone from Salesforce (R5). Never a delta; shown so that nobody has to look
-- for it.
with

lead_bounces as (
    select * from {{ ref('fct_lead_bounces') }}
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

replies as (
    select * from {{ ref('int_replies__replies') }}
    where is_human_response
),

smartlead_members as (
    select
        *,
        {{ salesforce_id_18('campaign_member_id_as_received') }} as claimed_member_id,
        {{ salesforce_id_18('lead_id_as_received') }} as claimed_lead_id,
        case unmatched_reason
            when 'member_deleted' then 'the campaign member is deleted'
            when 'member_not_visible' then 'the campaign member is not visible any more'
            when 'campaign_deleted' then 'the campaign is deleted'
            else 'the lead is deleted'
        end as held_reason
    from {{ ref('int_audience__smartlead_members') }}
    where unmatched_reason in ('member_deleted', 'member_not_visible', 'campaign_deleted', 'lead_deleted')
),

withheld as (
    select
        bounces.org,
        'Lead' as object,
        bounces.lead_id as record_id,
        'external_hard_bounced__c' as field,
        case
            when lead_bounces.is_external_hard_bounced_in_salesforce then 'true'
            when not lead_bounces.is_external_hard_bounced_in_salesforce then 'false'
        end as before_value,
        'a mail bounced' as reason,
        'smartlead bounce ' || bounces.bounce_id || ', rule ' || bounces.rule_id as evidence,
        bounces.bounced_at as evidence_at,
        bounces.campaign_id,
        bounces.lead_id,
        'no rule knows whether the bounce was hard' as held_reason
    from bounces
    inner join lead_bounces
        on
            bounces.org = lead_bounces.org
            and bounces.lead_id = lead_bounces.lead_id
    where bounces.bounce_class = 'unknown' and not lead_bounces.has_hard_bounce_evidence
    union all
    select
        smartlead_members.org,
        'Lead' as object,
        smartlead_members.claimed_lead_id as record_id,
        'external_hard_bounced__c' as field,
        cast(null as {{ dbt.type_string() }}) as before_value,
        'a mail bounced hard' as reason,
        'smartlead bounce ' || bounces.bounce_id || ', rule ' || bounces.rule_id as evidence,
        bounces.bounced_at as evidence_at,
        smartlead_members.campaign_id,
        smartlead_members.claimed_lead_id as lead_id,
        smartlead_members.held_reason
    from bounces
    inner join smartlead_members
        on bounces.campaign_lead_map_id = smartlead_members.campaign_lead_map_id
    where bounces.bounce_class = 'hard'
    union all
    select
        smartlead_members.org,
        'CampaignMember' as object,
        smartlead_members.claimed_member_id as record_id,
        'Has_Replied__c' as field,
        cast(null as {{ dbt.type_string() }}) as before_value,
        'a person has replied' as reason,
        'smartlead reply ' || replies.reply_id as evidence,
        replies.replied_at as evidence_at,
        smartlead_members.campaign_id,
        smartlead_members.claimed_lead_id as lead_id,
        smartlead_members.held_reason
    from replies
    inner join smartlead_members
        on replies.campaign_lead_map_id = smartlead_members.campaign_lead_map_id
)

select * from withheld
