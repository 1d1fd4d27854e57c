{# The domain in a web address, lower case, without www: 'https://www.Example.com/about' gives 'example.com'. #}
{% macro website_domain(column) -%}
    regexp_extract(lower(trim({{ column }})), '^(?:https?://)?(?:www[.])?([^/:?#]+)', 1)
{%- endmacro %}
