{# Before a build: every raw table must be there. Says which are missing and which command brings them. #}
{% macro assert_sources_loaded() -%}
    {%- if needs_sources() -%}
        {%- set missing = {} -%}
        {%- set services = [] -%}
        {%- for source in graph.sources.values() -%}
            {%- if not load_relation(source_relation(source)) -%}
                {%- do missing.setdefault(source.schema, []).append(source.identifier) -%}
                {%- do services.append(source.schema.split('_')[1]) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- set datasets = [] -%}
            {%- for schema, tables in missing | dictsort -%}
                {%- set all_of_it = 'source_reads' in tables -%}
                {%- do datasets.append(schema if all_of_it else schema ~ ' (' ~ tables | sort | join(', ') ~ ')') -%}
            {%- endfor -%}
            {%- do exceptions.raise_compiler_error(
                'Nothing was built, because these raw tables have not been loaded: ' ~ datasets | join('; ')
                ~ '. Run first: outreach load ' ~ (services[0] if services | unique | list | length == 1 else 'all')
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Seeds and their tests need no sources. #}
{% macro needs_sources() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'snapshot') -%}
        {%- for resource in selected_resources if resource.split('.')[0] in ('model', 'snapshot', 'unit_test') -%}
            {{ return(true) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}

{% macro source_relation(source) -%}
    {{ return(api.Relation.create(database=source.database, schema=source.schema, identifier=source.identifier)) }}
{%- endmacro %}
