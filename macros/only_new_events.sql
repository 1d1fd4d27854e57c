{# Takes the place of dbt's own: whether an incremental model is built whole. One with meta only_new_events replaces the
   rows that new events touch where only these are built (selector replies); anywhere else it is built whole, since what
   it reads besides events may have changed. #}
{% macro should_full_refresh() -%}
    {%- set replaces_rows = invocation_args_dict.get('selector') == 'replies' and can_replace_rows() -%}
    {{ return(dbt.should_full_refresh() or (config.get('meta', {}).get('only_new_events') and not replaces_rows)) }}
{%- endmacro %}

{# The fields of Salesforce whose candidates come from events. #}
{% macro event_fields() -%}
    ('Has_Replied__c', 'ReplyClassification__c', 'external_hard_bounced__c')
{%- endmacro %}

{# Before the candidates of these fields are inserted anew: one that is no longer wanted must go. #}
{% macro forget_event_fields() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where field in {{ event_fields() }}
    {%- endif -%}
{%- endmacro %}

{# Claims that come from events: those of callbacks that this table has not met. #}
{% macro is_new_claim() -%}
    claim_source = 'clay_callback'
    and claim_key not in (select claim_key from {{ this }} where claim_source = 'clay_callback')
{%- endmacro %}
