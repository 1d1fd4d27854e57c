-- R1, R4, R7: the reviewed policy agrees with itself. A failure means that a seed was changed without another: an id of
-- the wrong shape, an unknown org, an approval for a field that needs none or whose dates are out of order. Acts: the
-- reviewer of the change.
with

field_allowlist as (
    select * from {{ ref('field_allowlist') }}
),

legal_approvals as (
    select * from {{ ref('legal_approvals') }}
),

write_guards as (
    select * from {{ ref('write_guards') }}
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

orgs as (
    {% for org in var('salesforce_orgs') %}
        select '{{ org }}' as org
        {%- if not loop.last %}
            union all
        {%- endif %}
    {% endfor %}
),

findings as (
    select
        'an approval has a malformed campaign id' as finding,
        approval_id as record
    from legal_approvals
    where {{ salesforce_id_18('campaign_id') }} is null
    union all
    select
        'the dates of an approval are out of order' as finding,
        approval_id as record
    from legal_approvals
    where not (approved_on <= valid_until and valid_from <= valid_until)
    union all
    select
        'an approval names a field that needs none' as finding,
        legal_approvals.approval_id as record
    from legal_approvals
    left join field_allowlist
        on
            legal_approvals.object = field_allowlist.object
            and legal_approvals.field = field_allowlist.field
            and field_allowlist.approval_required
    where field_allowlist.field is null
    union all
    select
        'an approval names an unknown org' as finding,
        legal_approvals.approval_id as record
    from legal_approvals
    left join orgs on legal_approvals.org = orgs.org
    where orgs.org is null
    union all
    select
        'a mapped campaign has a malformed id' as finding,
        campaign_name as record
    from campaign_map
    where {{ salesforce_id_18('campaign_id') }} is null or length(campaign_id) != 18
    union all
    select
        'a mapped campaign has an unknown org' as finding,
        campaign_map.campaign_name as record
    from campaign_map
    left join orgs on campaign_map.org = orgs.org
    where orgs.org is null
    union all
    select
        'a field that is never written counts as writable' as finding,
        field as record
    from field_allowlist
    where (policy = 'never') = is_writable
    union all
    select
        'a writable field has no write guard' as finding,
        field_allowlist.field as record
    from field_allowlist
    left join write_guards
        on
            field_allowlist.object = write_guards.object
            and field_allowlist.field = write_guards.field
    where field_allowlist.is_writable and write_guards.field is null
)

select * from findings
