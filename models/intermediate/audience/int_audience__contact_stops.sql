-- Every signal from sending that a person must not be mailed again, by address and, where the keys are proven, by lead.
-- It counts for every lead with that address, in both orgs: the person is the same.
with

smartlead_members as (
    select * from {{ ref('int_audience__smartlead_members') }}
),

sent_mails as (
    select * from {{ ref('int_deliverability__sent_mails') }}
),

webhooks as (
    select * from {{ ref('stg_smartlead__webhook_events') }}
    where event_type = 'LEAD_UNSUBSCRIBED' and parse_error is null
),

category_changes as (
    select * from {{ ref('int_replies__category_changes') }}
    where is_current and is_do_not_contact
),

bounces as (
    select * from {{ ref('int_deliverability__bounces') }}
),

signals as (
    select
        'unsubscribed' as stop_reason,
        email,
        org,
        lead_id
    from smartlead_members
    where is_unsubscribed
    union
    select
        'unsubscribed' as stop_reason,
        email,
        org,
        lead_id
    from sent_mails
    where is_unsubscribed
    union
    select
        'unsubscribed' as stop_reason,
        webhooks.email,
        smartlead_members.org,
        smartlead_members.lead_id
    from webhooks
    left join smartlead_members
        on
            webhooks.smartlead_campaign_id = smartlead_members.smartlead_campaign_id
            and webhooks.email = smartlead_members.email
    union
    select
        'do_not_contact' as stop_reason,
        category_changes.email,
        smartlead_members.org,
        smartlead_members.lead_id
    from category_changes
    left join smartlead_members
        on category_changes.campaign_lead_map_id = smartlead_members.campaign_lead_map_id
    union
    select
        case bounce_class
            when 'hard' then 'hard_bounced'
            else 'bounced_for_unknown_reason'
        end as stop_reason,
        email,
        org,
        lead_id
    from bounces
    where bounce_class in ('hard', 'unknown')
)

select * from signals
