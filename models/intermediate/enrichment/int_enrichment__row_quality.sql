-- The quality checks of what Clay found for each row (R4): of every row, also where another row of the lead is newer,
-- because a campaign is judged by the rows of its own table (R7).
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
),

description_languages as (
    select * from {{ ref('int_enrichment__description_languages') }}
),

leads as (
    select * from {{ ref('stg_salesforce__leads') }}
),

address_lists as (
    select * from {{ ref('address_lists') }}
),

with_domains as (
    select
        row_results.table_id,
        row_results.row_id,
        row_results.company_description,
        row_results.industry,
        split_part(leads.email, '@', 2) as lead_domain,
        split_part(row_results.work_email, '@', 2) as work_domain,
        free_mail.entry is not null as is_free_mail,
        description_languages.description_language,
        coalesce(description_languages.is_accepted, false) as is_language_accepted
    from row_results
    left join leads
        on
            row_results.org = leads.org
            and row_results.lead_id = leads.lead_id
    left join description_languages
        on
            row_results.table_id = description_languages.table_id
            and row_results.row_id = description_languages.row_id
    left join address_lists as free_mail
        on
            free_mail.list_name = 'free_mail_domain'
            and split_part(leads.email, '@', 2) = free_mail.entry
),

checked as (
    select
        table_id,
        row_id,
        description_language,
        company_description is null as is_description_missing,
        coalesce(length(company_description) < 40, false) as is_description_too_short,
        coalesce(length(company_description) > 2000, false) as is_description_too_long,
        -- what a model says when it knows nothing, superlatives in a row, placeholders that nobody filled, and markup
        coalesce({{ matches(
            'company_description',
            "'(as an ai (language )?(model|assistant)|(^|[^a-z])i (cannot|can.t|could not)[^a-z]|lorem ipsum|[{][{]"
            ~ "|(^|[^a-z])n/a([^a-z]|$)|</?[a-z]+[ />]|&[a-z]+;"
            ~ "|(innovative|best-in-class|world-class|cutting-edge),? (and )?(best-in-class|world-class|cutting-edge))'"
        ) }}, false) as has_template_phrase,
        -- a text too short says nothing about its language either
        coalesce(length(company_description) >= 40 and not is_language_accepted, false) as is_language_not_accepted,
        industry is null as is_industry_missing,
        -- another company's address means that Clay may have described another company; free mail says nothing
        coalesce(
            lead_domain <> work_domain
            and not lead_domain like '%.' || work_domain
            and not work_domain like '%.' || lead_domain
            and not is_free_mail,
            false
        ) as is_domain_mismatched
    from with_domains
),

flagged as (
    select
        *,
        nullif(concat_ws(
            ', ',
            case when is_description_too_short then 'description_too_short' end,
            case when is_description_too_long then 'description_too_long' end,
            case when has_template_phrase then 'template_phrase' end,
            case when is_language_not_accepted then 'language_not_accepted' end,
            case when is_domain_mismatched then 'domain_mismatched' end
        ), '') as description_flags
    from checked
),

row_quality as (
    select
        *,
        not is_description_missing and description_flags is null as is_description_usable,
        not is_industry_missing and not is_domain_mismatched as is_industry_usable
    from flagged
)

select * from row_quality
