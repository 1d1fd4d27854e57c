{# What tells two mail templates apart: the hashes of subject and body, in one. #}
{% macro template_hash(sequences) -%}
    md5({{ sequences }}.subject_hash || ' ' || {{ sequences }}.body_hash)
{%- endmacro %}
