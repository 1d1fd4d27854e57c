{# Tables lie in <warehouse>/<schema>/<table>. #}
{% macro spark__create_schema(relation) -%}
    {%- do run_query('create schema if not exists ' ~ relation ~ " location '" ~ relation.schema ~ "'") -%}
{%- endmacro %}

{# That is their place anyway, but told so they are external tables: a build that was killed leaves files there, into
   which Spark would create no table of its own. #}
{% macro spark__location_clause() -%}
    location '{{ model.alias }}'
{%- endmacro %}

{# What is appended is one file, so that it is there whole or not at all, whenever a build is killed. dbt-spark's macro
   (source, target) has the name of dbt's own for other engines (target, source, columns). #}
{% macro get_insert_into_sql(source_relation, target_relation, columns=none) -%}
    {%- if columns is not none -%}
        {{ return(dbt.get_insert_into_sql(source_relation, target_relation, columns)) }}
    {%- endif -%}
    insert into table {{ target_relation }}
    select /*+ coalesce(1) */ {{ adapter.get_columns_in_relation(target_relation) | map(attribute='quoted') | join(', ') }}
    from {{ source_relation }}
{%- endmacro %}
