{% macro to_utc(column) -%}
    {{ return(adapter.dispatch('to_utc')(column)) }}
{%- endmacro %}

{% macro default__to_utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}

{% macro spark__to_utc(column) -%}
    cast({{ column }} as timestamp_ntz)
{%- endmacro %}

{% macro parse_utc(column) -%}
    {{ return(adapter.dispatch('parse_utc')(column)) }}
{%- endmacro %}

{% macro default__parse_utc(column) -%}
    (try_cast({{ column }} as timestamptz) at time zone 'UTC')
{%- endmacro %}

{% macro spark__parse_utc(column) -%}
    cast(try_cast({{ column }} as timestamp) as timestamp_ntz)
{%- endmacro %}

{% macro hours_between(earlier, later) -%}
    {{ return(adapter.dispatch('hours_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__hours_between(earlier, later) -%}
    cast(date_diff('second', {{ earlier }}, {{ later }}) as double) / 3600
{%- endmacro %}

{% macro spark__hours_between(earlier, later) -%}
    cast(timestampdiff(second, {{ earlier }}, {{ later }}) as double) / 3600
{%- endmacro %}

{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date))
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    cast(datediff(cast({{ later }} as date), cast({{ earlier }} as date)) as bigint)
{%- endmacro %}
