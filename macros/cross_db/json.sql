{% macro json_text(column, path) -%}
    {{ return(adapter.dispatch('json_text')(column, path)) }}
{%- endmacro %}

{% macro default__json_text(column, path) -%}
    json_extract_string(try_cast({{ column }} as json), '$.{{ path }}')
{%- endmacro %}

{% macro spark__json_text(column, path) -%}
    get_json_object({{ column }}, '$.{{ path }}')
{%- endmacro %}

{% macro is_malformed_json(column) -%}
    {{ return(adapter.dispatch('is_malformed_json')(column)) }}
{%- endmacro %}

{% macro default__is_malformed_json(column) -%}
    ({{ column }} is not null and try_cast({{ column }} as json) is null)
{%- endmacro %}

{# Spark reads JSON as far as it is asked; as the one element of an array it has to end where the text ends. #}
{% macro spark__is_malformed_json(column) -%}
    ({{ column }} is not null and coalesce(json_array_length(concat('[', {{ column }}, ']')), 0) <> 1)
{%- endmacro %}

{% macro json_array_lateral(column, alias) -%}
    {{ return(adapter.dispatch('json_array_lateral')(column, alias)) }}
{%- endmacro %}

{% macro default__json_array_lateral(column, alias) -%}
    cross join unnest(try_cast({{ column }} as json[])) as {{ alias }} (element)
{%- endmacro %}

{% macro spark__json_array_lateral(column, alias) -%}
    lateral view explode(from_json({{ column }}, 'array<string>')) {{ alias }} as element
{%- endmacro %}

{% macro json_element_text(element) -%}
    {{ return(adapter.dispatch('json_element_text')(element)) }}
{%- endmacro %}

{% macro default__json_element_text(element) -%}
    json_extract_string({{ element }}, '$')
{%- endmacro %}

{% macro spark__json_element_text(element) -%}
    {{ element }}
{%- endmacro %}
