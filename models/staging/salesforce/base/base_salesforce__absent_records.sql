{{ config(materialized='table') }}

with

sightings as (
    {{ union_salesforce_sweeps() }}
),

source_reads as (
    {{ union_salesforce_orgs('', 'source_reads', ['table_name', 'read_at']) }}
),

deleted_records as (
    {{ union_salesforce_orgs('', 'deleted_records', ['object_name', 'Id', 'deleted_at']) }}
),

deletions as (
    select
        org,
        object_name,
        Id as record_id,
        {{ to_utc('deleted_at') }} as deleted_at
    from deleted_records
),

-- A sweep that broke off has seen some records later than the last whole one; those are there all the same.
vanished as (
    select
        sightings.org,
        sightings.object_name,
        sightings.record_id,
        {{ to_utc('source_reads.read_at') }} as last_swept_at
    from sightings
    inner join source_reads
        on
            sightings.org = source_reads.org
            and sightings.table_name = source_reads.table_name
    where sightings.last_seen_at < {{ to_utc('source_reads.read_at') }}
),

absences as (
    select
        org,
        object_name,
        record_id
    from vanished
    union distinct
    select
        org,
        object_name,
        record_id
    from deletions
),

final as (
    select
        absences.org,
        absences.object_name,
        absences.record_id,
        vanished.record_id is not null as has_vanished,
        vanished.last_swept_at,
        sightings.last_seen_at,
        deletions.deleted_at
    from absences
    left join vanished
        on
            absences.org = vanished.org
            and absences.object_name = vanished.object_name
            and absences.record_id = vanished.record_id
    left join sightings
        on
            absences.org = sightings.org
            and absences.object_name = sightings.object_name
            and absences.record_id = sightings.record_id
    left join deletions
        on
            absences.org = deletions.org
            and absences.object_name = deletions.object_name
            and absences.record_id = deletions.record_id
)

select * from final
