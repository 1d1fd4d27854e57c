{# Adds rates and the bounds of their 95 % Wilson intervals, <rate>_low and <rate>_high, to four decimals; all null where
   the denominator is zero. Rates: a list of (name, numerator, denominator). #}
{% macro named_rates(relation, rates) -%}
    select
        *,
        {%- for name, numerator, denominator in rates %}
        cast({{ numerator }} as double) / nullif({{ denominator }}, 0) as {{ name }},
        {{ wilson_bound(numerator, denominator, '-') }} as {{ name }}_low,
        {{ wilson_bound(numerator, denominator, '+') }} as {{ name }}_high{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro %}

{# One end of the Wilson interval: side '-' or '+'. With z = 1.96, z squared is 3.8416. More than
   all - a bounce of a mail that no statistics know - makes no interval, but must not fail a build either. #}
{% macro wilson_bound(numerator, denominator, side) -%}
    {%- set n = 'nullif(' ~ denominator ~ ', 0)' -%}
    {%- set k = 'cast(' ~ numerator ~ ' as double)' -%}
    round(
        ({{ k }} + 1.9208 {{ side }} 1.96 * sqrt(greatest({{ k }} * ({{ n }} - {{ k }}) / {{ n }} + 0.9604, 0)))
        / ({{ n }} + 3.8416),
        4
    )
{%- endmacro %}
