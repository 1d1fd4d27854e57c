with

unioned as (
    {%- for org in var('salesforce_orgs') %}
        select
            'salesforce_{{ org }}' as dataset,
            *
        from {{ source('salesforce_' ~ org, 'source_reads') }}
        union all
    {%- endfor %}
    select
        'smartlead' as dataset,
        *
    from {{ source('smartlead', 'source_reads') }}
    union all
    select
        'clay' as dataset,
        *
    from {{ source('clay', 'source_reads') }}
    union all
    select
        'writeback' as dataset,
        *
    from {{ source('writeback', 'source_reads') }}
),

renamed as (
    select
        dataset,
        table_name,
        rows_read,
        {{ to_utc('read_at') }} as read_at
    from unioned
)

select * from renamed
