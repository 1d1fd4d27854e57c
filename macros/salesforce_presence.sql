{# Adds to the records of a staging model's source whether they are still there.
   Deleted: Salesforce says so in the record, or its log of deletions does and the record was not seen since; an
   undeleted record has a later SystemModstamp than its deletion.
   Visible: found by the last reading of all ids, or changed after it. Neither visible nor deleted is a lost permission. #}
{% macro salesforce_presence(object) -%}
    select
        source.*,
        source.IsDeleted
        or coalesce(
            absent_records.deleted_at >= {{ to_utc('source.SystemModstamp') }}
            and coalesce(absent_records.last_seen_at <= absent_records.deleted_at, true),
            false
        ) as is_deleted,
        coalesce(
            not absent_records.has_vanished
            or absent_records.last_swept_at <= {{ to_utc('source.SystemModstamp') }},
            true
        ) as is_visible
    from source
    left join {{ ref('base_salesforce__absent_records') }} as absent_records
        on
            absent_records.object_name = '{{ object }}'
            and source.org = absent_records.org
            and source.Id = absent_records.record_id
{%- endmacro %}

{# All ids that the last readings of all ids found, of every org and object, with the time of the reading. #}
{% macro union_salesforce_sweeps() -%}
    {%- set tables = {
        'User': 'users',
        'Account': 'accounts',
        'Opportunity': 'opportunities',
        'Contact': 'contacts',
        'Lead': 'leads',
        'Campaign': 'campaigns',
        'CampaignMember': 'campaign_members',
        'Task': 'tasks'
    } -%}
    {%- for object, table in tables.items() %}
    select
        org,
        '{{ object }}' as object_name,
        '{{ table }}_sweep' as table_name,
        Id as record_id,
        {{ to_utc('swept_at') }} as last_seen_at
    from ({{ union_salesforce_orgs(object, table ~ '_sweep', ['Id', 'swept_at']) }}) as {{ table }}_sweep
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
