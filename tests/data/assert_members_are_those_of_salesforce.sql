-- The spine holds the members that Salesforce shows, by the last sweep of all its ids and by the records as they were
-- loaded: whom the sweep found, and nobody whom only an earlier one found. A failure means that a join lost members, or
-- that members who are gone still count: fix int_audience__members before anybody reads the marts. Acts: analytics
-- engineering.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
),

loaded_members as (
    {{ union_salesforce_orgs('CampaignMember', 'campaign_members', [
        'Id',
        'CampaignId',
        'IsDeleted',
        'SystemModstamp'
    ]) }}
),

loaded_campaigns as (
    {{ union_salesforce_orgs('Campaign', 'campaigns', ['Id', 'IsDeleted']) }}
),

deletions as (
    {{ union_salesforce_orgs('', 'deleted_records', ['Id']) }}
),

sightings as (
    {{ union_salesforce_sweeps() }}
),

sweeps as (
    {{ union_salesforce_orgs('', 'source_reads', ['table_name', 'read_at']) }}
),

swept as (
    select
        sightings.org,
        sightings.object_name,
        sightings.record_id,
        sightings.last_seen_at >= {{ to_utc('sweeps.read_at') }} as is_found,
        {{ to_utc('sweeps.read_at') }} as swept_at
    from sightings
    inner join sweeps
        on
            sightings.org = sweeps.org
            and sightings.table_name = sweeps.table_name
),

records as (
    select
        loaded_members.org,
        loaded_members.Id as campaign_member_id,
        loaded_members.IsDeleted or loaded_campaigns.IsDeleted as is_deleted,
        swept_members.is_found and swept_campaigns.is_found as is_found,
        not swept_members.is_found
        and {{ to_utc('loaded_members.SystemModstamp') }} < swept_members.swept_at as has_vanished,
        -- the log also names what was deleted after the sweep
        deleted_members.Id is not null or deleted_campaigns.Id is not null as is_in_log
    from loaded_members
    inner join loaded_campaigns
        on
            loaded_members.org = loaded_campaigns.org
            and loaded_members.CampaignId = loaded_campaigns.Id
    left join swept as swept_members
        on
            swept_members.object_name = 'CampaignMember'
            and loaded_members.org = swept_members.org
            and loaded_members.Id = swept_members.record_id
    left join swept as swept_campaigns
        on
            swept_campaigns.object_name = 'Campaign'
            and loaded_members.org = swept_campaigns.org
            and loaded_members.CampaignId = swept_campaigns.record_id
    left join deletions as deleted_members
        on
            loaded_members.org = deleted_members.org
            and loaded_members.Id = deleted_members.Id
    left join deletions as deleted_campaigns
        on
            loaded_members.org = deleted_campaigns.org
            and loaded_members.CampaignId = deleted_campaigns.Id
),

findings as (
    select
        members.org,
        members.campaign_member_id,
        'is gone from Salesforce' as finding
    from members
    left join records
        on
            members.org = records.org
            and members.campaign_member_id = records.campaign_member_id
    where records.campaign_member_id is null or records.is_deleted or records.has_vanished
    union all
    select
        records.org,
        records.campaign_member_id,
        'is lost on the way' as finding
    from records
    left join members
        on
            records.org = members.org
            and records.campaign_member_id = members.campaign_member_id
    where
        members.campaign_member_id is null
        and records.is_found
        and not records.is_deleted
        and not records.is_in_log
)

select * from findings
