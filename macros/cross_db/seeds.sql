{# dbt-spark writes the values of a seed without escaping them, and an empty one as the text None. #}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set sql -%}
            insert {{ 'overwrite' if loop.first else 'into' }} table {{ this.render() }} values
            {%- for row in rows %}
            (
                {%- for name in agate_table.column_names -%}
                cast({{ seed_literal(row[name]) }} as {{ types.get(name, adapter.convert_type(agate_table, loop.index0)) }})
                {{- ', ' if not loop.last }}
                {%- endfor -%}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{%- endmacro %}

{% macro seed_literal(value) -%}
    {{ 'null' if value is none else dbt.string_literal(dbt.escape_single_quotes(value | string)) }}
{%- endmacro %}
