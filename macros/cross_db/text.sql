{% macro matches(column, pattern) -%}
    {{ return(adapter.dispatch('matches')(column, pattern)) }}
{%- endmacro %}

{% macro default__matches(column, pattern) -%}
    regexp_matches({{ column }}, {{ pattern }}, 'i')
{%- endmacro %}

{% macro spark__matches(column, pattern) -%}
    ({{ column }} rlike concat('(?iu)', {{ pattern }}))
{%- endmacro %}

{# One row for each word of a text in lower case, in the column word of the alias. #}
{% macro words_lateral(column, alias) -%}
    {%- set marks = '-/,.;:()&|!?"\r\n\t' -%}
    {%- set words = "translate(lower(" ~ column ~ "), '" ~ marks ~ "', '" ~ ' ' * marks | length ~ "')" -%}
    {{ return(adapter.dispatch('words_lateral')(words, alias)) }}
{%- endmacro %}

{% macro default__words_lateral(words, alias) -%}
    cross join unnest(string_split({{ words }}, ' ')) as {{ alias }} (word)
{%- endmacro %}

{% macro spark__words_lateral(words, alias) -%}
    lateral view explode(split({{ words }}, ' ')) {{ alias }} as word
{%- endmacro %}

{% macro list_text(expression, order_by) -%}
    {{ return(adapter.dispatch('list_text')(expression, order_by)) }}
{%- endmacro %}

{% macro default__list_text(expression, order_by) -%}
    string_agg({{ expression }}, ', ' order by {{ order_by }})
{%- endmacro %}

{% macro spark__list_text(expression, order_by) -%}
    listagg({{ expression }}, ', ') within group (order by {{ order_by }})
{%- endmacro %}

{% macro without_addresses(column) -%}
    {{ return(adapter.dispatch('without_addresses')(column)) }}
{%- endmacro %}

{% macro default__without_addresses(column) -%}
    regexp_replace({{ column }}, '[^ <>():;,]+@[^ <>():;,]+', '(address)', 'g')
{%- endmacro %}

{% macro spark__without_addresses(column) -%}
    regexp_replace({{ column }}, '[^ <>():;,]+@[^ <>():;,]+', '(address)')
{%- endmacro %}

{% macro plain_text(column) -%}
    {{ return(adapter.dispatch('plain_text')(plain_characters(column))) }}
{%- endmacro %}

{% macro plain_characters(column) -%}
    {%- set apostrophes = "\u2019\u2018\u02bc\u00b4\u0060" -%}
    {%- set spaces = "\u00a0\u202f\r\n\t" -%}
    translate({{ column }}, '{{ apostrophes ~ spaces }}', '{{ "''" * apostrophes | length ~ " " * spaces | length }}')
{%- endmacro %}

{% macro default__plain_text(characters) -%}
    regexp_replace({{ characters }}, ' +', ' ', 'g')
{%- endmacro %}

{% macro spark__plain_text(characters) -%}
    regexp_replace({{ characters }}, ' +', ' ')
{%- endmacro %}

{# In the literals of seeds and unit tests; dbt-spark forgets that a backslash escapes, too. #}
{% macro spark__escape_single_quotes(expression) -%}
    {{ expression | replace("\\", "\\\\") | replace("'", "\\'") }}
{%- endmacro %}
