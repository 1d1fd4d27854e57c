{# Before a build: every raw table must be there. Says which one is missing and which command brings it. #}
{% macro assert_sources_loaded() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'snapshot') -%}
        {%- set missing = [] -%}
        {%- for source in graph.sources.values() -%}
            {%- if not load_relation(source_relation(source)) -%}
                {%- do missing.append(source) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- set first = missing | sort(attribute='unique_id') | first -%}
            {%- do exceptions.raise_compiler_error(
                first.schema ~ '.' ~ first.identifier ~ ' has not been loaded yet ('
                ~ missing | length ~ ' raw tables are missing). Run: outreach load '
                ~ first.schema.split('_')[1] ~ ', or outreach load all'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro source_relation(source) -%}
    {{ return(api.Relation.create(database=source.database, schema=source.schema, identifier=source.identifier)) }}
{%- endmacro %}
