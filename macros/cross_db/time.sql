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
    cast(try_cast({{ column }} as timestamp_ltz) as timestamp_ntz)
{%- endmacro %}

{# The clock on the wall in a time zone, of a timestamp in UTC. #}
{% macro local_time(column, time_zone) -%}
    {{ return(adapter.dispatch('local_time')(column, time_zone)) }}
{%- endmacro %}

{% macro default__local_time(column, time_zone) -%}
    (({{ column }} at time zone 'UTC') at time zone {{ time_zone }})
{%- endmacro %}

{% macro spark__local_time(column, time_zone) -%}
    cast(from_utc_timestamp({{ column }}, {{ time_zone }}) as timestamp_ntz)
{%- endmacro %}

{# The timestamp in UTC of a clock on the wall in a time zone. #}
{% macro utc_time(column, time_zone) -%}
    {{ return(adapter.dispatch('utc_time')(column, time_zone)) }}
{%- endmacro %}

{% macro default__utc_time(column, time_zone) -%}
    (({{ column }} at time zone {{ time_zone }}) at time zone 'UTC')
{%- endmacro %}

{% macro spark__utc_time(column, time_zone) -%}
    cast(to_utc_timestamp({{ column }}, {{ time_zone }}) as timestamp_ntz)
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro iso_weekday(column) -%}
    {{ return(adapter.dispatch('iso_weekday')(column)) }}
{%- endmacro %}

{% macro default__iso_weekday(column) -%}
    isodow({{ column }})
{%- endmacro %}

{% macro spark__iso_weekday(column) -%}
    (weekday({{ column }}) + 1)
{%- endmacro %}

{# Every day between two dates, both included, as column day_on of the alias. #}
{% macro days_lateral(first, last, alias) -%}
    {{ return(adapter.dispatch('days_lateral')(first, last, alias)) }}
{%- endmacro %}

{% macro default__days_lateral(first, last, alias) -%}
    cross join unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as {{ alias }} (day_on)
{%- endmacro %}

{% macro spark__days_lateral(first, last, alias) -%}
    lateral view explode(sequence({{ first }}, {{ last }}, interval 1 day)) {{ alias }} as day_on
{%- endmacro %}

{% macro hours_between(earlier, later) -%}
    {{ return(adapter.dispatch('hours_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__hours_between(earlier, later) -%}
    cast(date_diff('second', {{ earlier }}, {{ later }}) as double) / 3600
{%- endmacro %}

{% macro spark__hours_between(earlier, later) -%}
    cast(
        unix_seconds(cast({{ later }} as timestamp_ltz)) - unix_seconds(cast({{ earlier }} as timestamp_ltz)) as double
    ) / 3600
{%- endmacro %}

{% macro seconds_later(column, seconds) -%}
    {{ return(adapter.dispatch('seconds_later')(column, seconds)) }}
{%- endmacro %}

{% macro default__seconds_later(column, seconds) -%}
    ({{ column }} + to_seconds({{ seconds }}))
{%- endmacro %}

{% macro spark__seconds_later(column, seconds) -%}
    timestampadd(second, {{ seconds }}, {{ column }})
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

{# For the columns of unit tests: one that Spark describes as a timestamp has a time zone, while the profile lets the
   word stand for one that has none. #}
{% macro spark__safe_cast(field, type) -%}
    cast({{ field }} as {{ 'timestamp_ltz' if type == 'timestamp' else type }})
{%- endmacro %}
