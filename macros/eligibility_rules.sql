{# The rules of seeds/eligibility_rules.csv that are implemented, one finding column is_<rule> each in
   int_audience__lead_findings; assert_eligibility_rules_are_implemented compares both lists. #}
{% macro eligibility_rules() -%}
    {{ return([
        'customer',
        'partner',
        'customer_by_account_type',
        'partner_by_account_type',
        'customer_by_domain',
        'partner_by_domain',
        'customer_by_contact',
        'partner_by_contact',
        'open_opportunity',
        'opted_out',
        'hard_bounced',
        'hard_bounce_unknown',
        'do_not_contact',
        'unsubscribed',
        'converted',
        'merged',
        'deleted',
        'not_visible',
        'email_missing',
        'email_invalid',
        'role_address',
        'free_mail_address',
        'contacted_recently',
        'in_running_campaign',
        'outside_gbus',
        'outside_countries',
        'erased'
    ]) }}
{%- endmacro %}
