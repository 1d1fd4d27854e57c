{# R9: one raw table of every org, under canonical field names. An org's own API names are configuration
   (var salesforce_field_names); the org itself becomes a column. #}
{% macro union_salesforce_orgs(object, table, fields) -%}
    {%- for org in var('salesforce_orgs') %}
    {%- set renamed = (var('salesforce_field_names').get(org) or {}).get(object, {}) %}
    select
        '{{ org }}' as org,
        {%- for field in fields %}
        {{ renamed.get(field, field) }} as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ source('salesforce_' ~ org, table) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
