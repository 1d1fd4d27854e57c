{# Business hours that have passed at a local time, by the row of int_funnel__business_days of its day. #}
{% macro business_clock(day, local_at) -%}
    {{ day }}.hours_before + least(
        greatest({{ hours_between('cast(' ~ day ~ '.day_on as timestamp)', local_at) }} - {{ day }}.opens_at, 0),
        {{ day }}.open_hours
    )
{%- endmacro %}
