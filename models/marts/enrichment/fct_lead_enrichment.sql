-- The staging area of enrichment (R4): the latest result for each lead, how good it is, and how old. Only what passes
-- every check may become a candidate for Salesforce.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where lead_id is not null
),

icp_scores as (
    select * from {{ ref('int_enrichment__icp_scores') }}
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

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by org, lead_id
            -- a lookup brings less than a row of a table: it counts where no table has brought anything for a quarter
            order by
                case when table_id = 'lookups' then enriched_at - interval 3 month else enriched_at end desc,
                table_id asc,
                row_id asc
        ) as place
    from row_results
),

latest as (
    select
        numbered.*,
        as_of.as_of_at,
        split_part(leads.email, '@', 2) as lead_domain,
        split_part(numbered.work_email, '@', 2) as work_domain,
        free_mail.entry is not null as is_free_mail,
        description_languages.description_language,
        coalesce(description_languages.is_accepted, false) as is_language_accepted,
        cast(numbered.enriched_at + interval 3 month as date) as re_enrichment_due_on
    from numbered
    cross join as_of
    left join leads
        on
            numbered.org = leads.org
            and numbered.lead_id = leads.lead_id
    left join description_languages
        on
            numbered.table_id = description_languages.table_id
            and numbered.row_id = description_languages.row_id
    left join address_lists as free_mail
        on
            free_mail.list_name = 'free_mail_domain'
            and split_part(leads.email, '@', 2) = free_mail.entry
    where numbered.place = 1
),

checked as (
    select
        *,
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
    from latest
),

judged as (
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

lead_enrichment as (
    select
        judged.org,
        judged.lead_id,
        judged.campaign_id,
        judged.table_id,
        judged.row_id,
        judged.company_name,
        judged.company_description,
        judged.industry,
        judged.employee_count,
        judged.job_title,
        icp_scores.company_size_score,
        icp_scores.industry_score,
        icp_scores.title_score,
        icp_scores.data_score,
        icp_scores.icp_score,
        icp_scores.icp_tier,
        judged.clay_icp_score,
        judged.clay_lead_tier,
        coalesce(
            icp_scores.icp_score = judged.clay_icp_score and icp_scores.icp_tier = judged.clay_lead_tier,
            false
        ) as is_agreeing,
        judged.is_description_missing,
        judged.is_description_too_short,
        judged.is_description_too_long,
        judged.has_template_phrase,
        judged.description_language,
        judged.is_language_not_accepted,
        judged.is_industry_missing,
        judged.is_domain_mismatched,
        judged.description_flags,
        not judged.is_description_missing and judged.description_flags is null as is_description_usable,
        not judged.is_industry_missing and not judged.is_domain_mismatched as is_industry_usable,
        judged.enriched_at,
        cast({{ days_between('judged.enriched_at', 'judged.as_of_at') }} as integer) as days_since_enriched,
        judged.re_enrichment_due_on,
        cast(judged.as_of_at as date) > judged.re_enrichment_due_on as is_stale
    from judged
    inner join icp_scores
        on
            judged.table_id = icp_scores.table_id
            and judged.row_id = icp_scores.row_id
)

select * from lead_enrichment
