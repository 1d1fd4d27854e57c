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

{# The number of the last callback whose claim is in this table; our inbox numbers them as they arrive. #}
{% macro last_claimed_callback() -%}
    (
        select coalesce(max(cast(claim_key as bigint)), 0)
        from {{ this }}
        where claim_source = 'clay_callback'
    )
{%- endmacro %}
