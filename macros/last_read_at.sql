{# When a raw table was last read, by the clock of its service; for `dbt source freshness`. #}
{% macro last_read_at(raw_table) -%}
    select max(read_at)
    from {{ raw_table.incorporate(path={'identifier': 'source_reads'}) }}
    {%- if raw_table.identifier != 'source_reads' %}
    where table_name = '{{ raw_table.identifier }}'
    {%- endif %}
{%- endmacro %}
