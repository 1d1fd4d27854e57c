{# dbt-spark enforces the columns and types of a contract; its tables of Parquet files know no constraints. So a null
   where the contract allows none fails the statement that would write it. #}
{% macro spark__get_select_subquery(sql) -%}
    select
        {%- for column in model['columns'].values() %}
        {%- if column['constraints'] | selectattr('type', 'equalto', 'not_null') | list %}
        coalesce({{ column['name'] }}, raise_error('{{ this }}: {{ column['name'] }} is null')) as {{ column['name'] }}
        {%- else %}
        {{ column['name'] }}
        {%- endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ sql }}
    ) as model_subq
{%- endmacro %}

{% macro spark__persist_constraints(relation, model) -%}
{%- endmacro %}
