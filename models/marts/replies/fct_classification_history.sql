-- R3: every revision of a member's classification. Clay's word beats Smartlead's first, automatic category for the
-- answer; a later category is a person's revision and wins when it is later. Equal values in a row are one revision.
with

statements as (
    select * from {{ ref('int_replies__classification_statements') }}
),

members as (
    select * from {{ ref('stg_salesforce__campaign_members') }}
),

clay_firsts as (
    select
        org,
        campaign_member_id,
        min(stated_at) as stated_at
    from statements
    where stated_by = 'clay'
    group by org, campaign_member_id
),

heard as (
    select statements.*
    from statements
    left join clay_firsts
        on
            statements.org = clay_firsts.org
            and statements.campaign_member_id = clay_firsts.campaign_member_id
            and statements.stated_at >= clay_firsts.stated_at
    where not statements.is_first_category or clay_firsts.stated_at is null
),

compared as (
    select
        *,
        lag(classification) over (
            partition by org, campaign_member_id
            order by stated_at asc, is_first_category desc, stated_by asc, evidence asc
        ) as classification_before
    from heard
),

revisions as (
    select
        *,
        row_number() over (
            partition by org, campaign_member_id
            order by stated_at asc, is_first_category desc, stated_by asc, evidence asc
        ) as revision_number,
        row_number() over (
            partition by org, campaign_member_id
            order by stated_at desc, is_first_category asc, stated_by desc, evidence desc
        ) = 1 as is_current
    from compared
    where classification_before is null or classification_before != classification
),

classification_history as (
    select
        concat_ws(
            '|',
            revisions.org,
            revisions.campaign_member_id,
            cast(revisions.revision_number as {{ dbt.type_string() }})
        ) as revision_id,
        revisions.org,
        members.campaign_id,
        revisions.campaign_member_id,
        cast(revisions.revision_number as integer) as revision_number,
        revisions.classification_before as classification_from,
        revisions.classification as classification_to,
        revisions.stated_by as source,
        revisions.evidence,
        revisions.is_current,
        revisions.stated_at as revised_at
    from revisions
    inner join members
        on
            revisions.org = members.org
            and revisions.campaign_member_id = members.campaign_member_id
)

select * from classification_history
