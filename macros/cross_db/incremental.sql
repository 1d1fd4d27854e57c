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

{# Where no rows can be replaced it never comes to it, but dbt-spark knows no other strategy for plain tables. #}
{% macro replace_rows() -%}
    {{ return('delete+insert' if can_replace_rows() else 'append') }}
{%- endmacro %}
