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

{% macro salesforce_id_suffix(column, start) -%}
    {%- set bits = [] -%}
    {%- for place in range(5) -%}
        {%- do bits.append(
            "case when ascii(substr(" ~ column ~ ", " ~ (start + place) ~ ", 1)) between 65 and 90 then "
            ~ 2 ** place ~ " else 0 end"
        ) -%}
    {%- endfor -%}
    substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + {{ bits | join(' + ') }}, 1)
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
