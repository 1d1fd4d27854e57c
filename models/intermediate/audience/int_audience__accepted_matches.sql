-- R5: the last word of a person on each unmatched event, where it is an acceptance. It is a claim like any other: the
-- key checks decide whether Salesforce still knows that member.
with

decisions as (
    select
        *,
        row_number() over (partition by event_source, event_key order by match_id desc) as place
    from {{ ref('stg_writeback__accepted_matches') }}
),

in_force as (
    select
        match_id,
        event_source,
        event_key,
        org,
        campaign_member_id,
        lead_id,
        smartlead_campaign_id,
        email,
        event_source in ('smartlead_reply', 'smartlead_bounce', 'smartlead_unsubscription') as is_for_address
    from decisions
    where place = 1 and action = 'accept'
),

-- mails and events name the address only: of several acceptances for one address in a campaign the last counts
accepted as (
    select
        *,
        is_for_address and row_number() over (
            partition by is_for_address, smartlead_campaign_id, email
            order by match_id desc
        ) = 1 as is_address_in_force
    from in_force
)

select * from accepted
