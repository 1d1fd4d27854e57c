{# R5: the 18-character form of an id. Null where the text has not 15 or 18 letters and digits, or where an 18-character
   id has a checksum that its letters do not have: then the case was changed on the way, and nobody knows the record. #}
{% macro salesforce_id_18(column) -%}
    {%- set complete = "substr(" ~ column ~ ", 1, 15) || "
        ~ salesforce_id_suffix(column, 1) ~ " || "
        ~ salesforce_id_suffix(column, 6) ~ " || "
        ~ salesforce_id_suffix(column, 11) -%}
    case
        when not {{ matches_exactly(column, "'^[A-Za-z0-9]{15}([A-Z0-5]{3})?$'") }} then null
        when length({{ column }}) = 15 or {{ column }} = {{ complete }} then {{ complete }}
    end
{%- endmacro %}

{# One letter of the checksum: which of five characters are capitals, the first of them in the lowest bit. Looked up in
   a list of all 32 patterns, which keeps the compiled SQL short. #}
{% macro salesforce_id_suffix(column, start) -%}
    {%- set letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789' -%}
    {%- set patterns = [] -%}
    {%- for number in range(32) -%}
        {%- set bits = [] -%}
        {%- for place in range(5) -%}
            {%- do bits.append((number // 2 ** place) % 2) -%}
        {%- endfor -%}
        {%- do patterns.append(bits | join) -%}
    {%- endfor -%}
    substr(
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
        cast((instr('{{ patterns | join(' ') }}', translate(substr({{ column }}, {{ start }}, 5),
            '{{ letters }}', '{{ '1' * 26 ~ '0' * 36 }}')) + 5) / 6 as integer),
        1
    )
{%- endmacro %}

{% macro matches_exactly(column, pattern) -%}
    {{ return(adapter.dispatch('matches_exactly')(column, pattern)) }}
{%- endmacro %}

{% macro default__matches_exactly(column, pattern) -%}
    regexp_matches({{ column }}, {{ pattern }})
{%- endmacro %}

{% macro spark__matches_exactly(column, pattern) -%}
    ({{ column }} rlike {{ pattern }})
{%- endmacro %}
