{# R5: the 18-character form of an id. Null where the text has not 15 or 18 letters and digits, or where an 18-character
   id has a checksum that its letters do not have: then the case was changed on the way, and nobody knows the record.
   Takes a plain column: it is named some fifty times, and an expression would be computed as often. #}
{% macro salesforce_id_18(column) -%}
    {%- set complete = "substr(" ~ column ~ ", 1, 15) || "
        ~ salesforce_id_suffix(column, 1) ~ " || "
        ~ salesforce_id_suffix(column, 6) ~ " || "
        ~ salesforce_id_suffix(column, 11) -%}
    case
        when
            {{ matches_exactly(column, "'^[A-Za-z0-9]{15}([A-Z0-5]{3})?$'") }}
            and substr({{ complete }}, 1, length({{ column }})) = {{ column }}
            then {{ complete }}
    end
{%- endmacro %}

{# One letter of the checksum: which of five characters are capitals, the first of them in the lowest bit. #}
{% macro salesforce_id_suffix(column, start) -%}
    substr(
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
        1
        {%- for place in range(5) %}
        + cast(substr({{ column }}, {{ start + place }}, 1) between 'A' and 'Z' as integer) * {{ 2 ** place }}
        {%- endfor %},
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
