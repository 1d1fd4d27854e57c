{% macro can_replace_rows() -%}
    {{ return(adapter.dispatch('can_replace_rows')()) }}
{%- endmacro %}

{% macro default__can_replace_rows() -%}
    {{ return(true) }}
{%- endmacro %}

{# A table of Spark knows no delete, unless its files are of a format that does. #}
{% macro spark__can_replace_rows() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro replace_rows() -%}
    {{ return(adapter.dispatch('replace_rows')()) }}
{%- endmacro %}

{% macro default__replace_rows() -%}
    {{ return('delete+insert') }}
{%- endmacro %}

{# Never comes to it; but dbt-spark knows no other for plain tables. #}
{% macro spark__replace_rows() -%}
    {{ return('append') }}
{%- endmacro %}
