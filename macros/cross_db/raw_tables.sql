{# Before a build: lets the models read the raw tables. A DuckDB warehouse holds them; Spark reads the Parquet files that
   the loaders landed, as external tables. #}
{% macro register_raw_tables() -%}
    {%- if needs_sources() -%}
        {%- do adapter.dispatch('register_raw_tables')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__register_raw_tables() -%}
{%- endmacro %}

{% macro spark__register_raw_tables() -%}
    {%- for schema in graph.sources.values() | map(attribute='schema') | unique -%}
        {%- do run_query('drop schema if exists ' ~ schema ~ ' cascade') -%}
        {%- do run_query('create schema ' ~ schema) -%}
    {%- endfor -%}
    {%- set url = env_var('OUTREACH_RAW_URL') -%}
    {%- for landed in landed_tables(url) -%}
        {%- do run_query(
            'create table ' ~ landed.schema_name ~ '.' ~ landed.table_name
            ~ " using parquet location '" ~ url ~ '/' ~ landed.folder ~ "'"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# Each raw table with its folder in force under the URL, as the loaders' pointer names them. #}
{% macro landed_tables(url) -%}
    {%- do run_query(
        "create or replace temporary view landed using json options (path '" ~ url ~ "/current.json', multiLine 'true')"
    ) -%}
    {{ return(run_query(
        'select landed_table.schema as schema_name, landed_table.table as table_name, landed_table.folder'
        ~ ' from landed lateral view explode(tables) as landed_table'
    )) }}
{%- endmacro %}
