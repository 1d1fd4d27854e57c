-- What outreach load clay-lookups asks Clay for: people and companies of leads that may be exported, were not enriched
-- for a quarter, and are not being enriched in a table of Clay's right now. Nobody else is asked for.
with

members as (
    select * from {{ ref('dim_campaign_members') }}
    where is_exportable and coalesce(campaign_status, '') not in ('Completed', 'Aborted')
),

enrichment as (
    select * from {{ ref('fct_lead_enrichment') }}
),

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where linkedin_url is not null
),

address_lists as (
    select * from {{ ref('address_lists') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

leads as (
    select
        org,
        lead_id,
        email,
        email_domain,
        min(campaign_starts_on) as campaign_starts_on,
        max(exported_at) as last_exported_at
    from members
    group by org, lead_id, email, email_domain
),

linkedin_pages as (
    select
        org,
        lead_id,
        max(linkedin_url) as linkedin_url
    from row_results
    group by org, lead_id
),

due_leads as (
    select
        leads.*,
        linkedin_pages.linkedin_url,
        enrichment.lead_id is null as is_never_enriched
    from leads
    cross join as_of
    left join enrichment
        on
            leads.org = enrichment.org
            and leads.lead_id = enrichment.lead_id
    left join linkedin_pages
        on
            leads.org = linkedin_pages.org
            and leads.lead_id = linkedin_pages.lead_id
    where
        (enrichment.lead_id is null or enrichment.is_stale)
        and (leads.last_exported_at is null or leads.last_exported_at < as_of.as_of_at - interval 7 day)
),

keys as (
    select
        'person' as subject,
        email as lookup_key,
        linkedin_url,
        campaign_starts_on,
        is_never_enriched
    from due_leads
    union all
    select
        'company' as subject,
        due_leads.email_domain as lookup_key,
        cast(null as {{ dbt.type_string() }}) as linkedin_url,
        due_leads.campaign_starts_on,
        due_leads.is_never_enriched
    from due_leads
    left join address_lists as free_mail
        on
            free_mail.list_name = 'free_mail_domain'
            and due_leads.email_domain = free_mail.entry
    where free_mail.entry is null
),

counted as (
    select
        subject,
        lookup_key,
        max(linkedin_url) as linkedin_url,
        count(*) as leads,
        count(case when is_never_enriched then 1 end) as leads_never_enriched,
        min(campaign_starts_on) as campaign_starts_on
    from keys
    group by subject, lookup_key
),

lookups_due as (
    select
        *,
        cast(row_number() over (
            order by coalesce(campaign_starts_on, date '9999-12-31'), lookup_key, subject
        ) as integer) as priority
    from counted
)

select * from lookups_due
