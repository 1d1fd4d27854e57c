-- R11: what Clay's lookups say of the lead members of AI campaigns: the person by address, the company by domain, the
-- latest answer of each that found anything. They stand under a table of their own, since no row of Clay's holds them.
with

lookups as (
    select * from {{ ref('stg_clay__lookups') }}
    where lookup_status = 'found'
),

members as (
    select
        *,
        split_part(email, '@', 2) as email_domain
    from {{ ref('int_audience__members') }}
    where is_ai_outreach and lead_id is not null and email is not null
),

numbered as (
    select
        *,
        row_number() over (
            partition by subject, lookup_key
            order by lookup_id desc
        ) as place
    from lookups
),

people as (
    select * from numbered
    where subject = 'person' and place = 1
),

companies as (
    select * from numbered
    where subject = 'company' and place = 1
),

lookup_sightings as (
    select
        'lookups' as table_id,
        members.org || '/' || members.campaign_member_id as row_id,
        members.org,
        members.campaign_id,
        members.campaign_member_id,
        members.lead_id,
        coalesce(
            companies.full_name,
            companies.company_name,
            case when left(people.company_name, 1) <> '{' then people.company_name end  -- no object without a name
        ) as company_name,
        companies.employee_count,
        companies.industry,
        people.job_title,
        people.work_email,
        cast(null as {{ dbt.type_string() }}) as phone_number,
        people.linkedin_url,
        companies.company_description,
        cast(null as {{ dbt.type_string() }}) as icp_score,
        cast(null as {{ dbt.type_string() }}) as lead_tier,
        cast(null as {{ dbt.type_string() }}) as attempts,
        greatest(
            coalesce(people.answered_at, companies.answered_at), coalesce(companies.answered_at, people.answered_at)
        ) as enriched_at
    from members
    left join people on members.email = people.lookup_key
    left join companies on members.email_domain = companies.lookup_key
    where people.lookup_id is not null or companies.lookup_id is not null
)

select * from lookup_sightings
