{# The Monday of a timestamp's week, as text. #}
{% macro week_text(column) -%}
    cast(cast(date_trunc('week', {{ column }}) as date) as {{ dbt.type_string() }})
{%- endmacro %}
