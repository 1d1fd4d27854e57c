{#- Clay publishes no reference: every spelling of a field that others have written down is taken. -#}
{%- set spellings = {
    'full_name': ['full_name', 'fullName', 'name'],
    'job_title': ['job_title', 'jobTitle', 'title', 'headline'],
    'linkedin_url': ['linkedin_url', 'linkedinUrl', 'linkedin'],
    'work_email': ['work_email', 'workEmail'],
    'company_name': ['company.name', 'company_name', 'companyName', 'company'],
    'industry': ['industry', 'companyIndustry'],
    'employee_count': ['employee_count', 'employeeCount', 'employees', 'size'],
    'company_description': ['company_description', 'companyDescription', 'description'],
} -%}
with

source as (
    select * from {{ source('clay', 'lookups') }}
),

renamed as (
    select
        -- ids
        lookup_id,
        -- strings
        subject,
        lookup_key,
        status as lookup_status,
        {%- for field, names in spellings.items() %}
            coalesce(
                {%- for name in names %}
                    {{ json_text('record', name) }}{{ ',' if not loop.last }}
                {%- endfor %}
            ) as {{ field }},
        {%- endfor %}
        -- numbers
        credits,
        http_status,
        -- booleans
        is_price_named,
        {{ is_malformed_json('record') }} as is_malformed,
        -- timestamps
        {{ to_utc('asked_at') }} as asked_at,
        {{ to_utc('answered_at') }} as answered_at,
        -- other
        record,
        answer
    from source
)

select * from renamed
