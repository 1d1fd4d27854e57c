{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Plain schema names: an analyst writes marts.fct_funnel_by_campaign, whatever the target. -#}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
