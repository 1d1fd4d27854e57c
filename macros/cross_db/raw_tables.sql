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
    {%- set folders = landed_folders() -%}
    {%- for schema in graph.sources.values() | map(attribute='schema') | unique -%}
        {%- do run_query('create schema if not exists ' ~ schema) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() -%}
        {%- set folder = folders.get(source.schema ~ '/' ~ source.identifier) -%}
        {%- do run_query('drop table if exists ' ~ source_relation(source)) -%}
        {%- if folder -%}
            {%- do run_query(
                'create table ' ~ source_relation(source) ~ " using parquet options (mergeSchema 'true') location '" ~ folder ~ "'"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# The folder of each raw table that has landed, by '<schema>/<table>'. #}
{% macro landed_folders() -%}
    {%- do run_query(
        "create or replace temporary view landed_files using binaryFile options (path '"
        ~ env_var('OUTREACH_RAW_URL', 'data/raw') ~ "', recursiveFileLookup 'true', pathGlobFilter '*.parquet')"
    ) -%}
    {%- set folders = {} -%}
    {%- for row in run_query("select distinct regexp_replace(path, '/[^/]*$', '') as folder from landed_files") -%}
        {%- do folders.update({row.folder.split('/')[-2:] | join('/'): row.folder}) -%}
    {%- endfor -%}
    {{ return(folders) }}
{%- endmacro %}
