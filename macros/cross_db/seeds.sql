{# dbt-spark creates a seed empty, then fills it with values that it does not escape, an empty one as the text None. Here
   a seed comes with its rows, so that no killed build leaves a policy without rules. #}
{% macro spark__create_csv_table(model, agate_table) -%}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set names = agate_table.column_names -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set sql -%}
        create table {{ this }}
        {{ location_clause() }}
        as
        select
            {%- for name in names %}
            cast({{ name }} as {{ types.get(name, adapter.convert_type(agate_table, loop.index0)) }}) as {{ name }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from values
            {%- for row in agate_table.rows or [{}] %}
            ({% for name in names %}{{ seed_literal(row[name]) }}{{ ', ' if not loop.last }}{% endfor %})
            {{- ',' if not loop.last }}
            {%- endfor %}
            as seed ({{ names | join(', ') }})
        {{ 'where false' if not agate_table.rows }}
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro seed_literal(value) -%}
    {%- if value is none or value is not defined -%}
        null
    {%- else -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) }}
    {%- endif -%}
{%- endmacro %}
