{# Several columns in one pass; a failure shows how many nulls each of them has. #}
{% test not_null_columns(model, columns) %}
with
counted as (
    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

select *
from counted
where
    {%- for column in columns %}
    {{ "or " if not loop.first }}{{ column }} > 0
    {%- endfor %}
{% endtest %}
