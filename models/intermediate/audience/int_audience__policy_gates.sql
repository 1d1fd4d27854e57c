-- R7: what the gates about approvals, senders, templates and volume measure; no row where there is nothing to measure
-- yet. Lower is better.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where is_ai_outreach and not is_deleted
),

members as (
    select * from {{ ref('int_audience__exportable_members') }}
    where is_ai_outreach
),

field_allowlist as (
    select * from {{ ref('field_allowlist') }}
    where approval_required
),

legal_approvals as (
    select * from {{ ref('legal_approvals') }}
),

as_of as (
    select * from {{ ref('int_operations__as_of') }}
),

campaign_map as (
    select * from {{ ref('campaign_map') }}
),

mailboxes as (
    select * from {{ ref('int_audience__campaign_mailboxes') }}
),

sequences as (
    select * from {{ ref('stg_smartlead__sequences') }}
),

approved_templates as (
    select * from {{ ref('approved_templates') }}
),

needed_approvals as (
    select
        campaigns.org,
        campaigns.campaign_id,
        field_allowlist.object,
        field_allowlist.field,
        cast(as_of.as_of_at as date) as today
    from campaigns
    cross join field_allowlist
    cross join as_of
),

found_approvals as (
    select
        needed_approvals.org,
        needed_approvals.campaign_id,
        needed_approvals.field,
        max(case
            when needed_approvals.today between legal_approvals.valid_from and legal_approvals.valid_until
                then legal_approvals.approval_id
        end) as valid_approval_id,
        max(legal_approvals.valid_until) as last_valid_on
    from needed_approvals
    left join legal_approvals
        on
            needed_approvals.org = legal_approvals.org
            and needed_approvals.campaign_id = {{ salesforce_id_18('legal_approvals.campaign_id') }}
            and needed_approvals.object = legal_approvals.object
            and needed_approvals.field = legal_approvals.field
    group by needed_approvals.org, needed_approvals.campaign_id, needed_approvals.field
),

legal_approval as (
    select
        org,
        campaign_id,
        'legal_approval_valid' as gate,
        sum(case when valid_approval_id is null then 1 else 0 end) as measured_value,
        {{ list_text(
            "concat_ws(' ', field || ':', coalesce(valid_approval_id, 'no valid approval'), "
            ~ "case when valid_approval_id is null then 'last valid on ' || cast(last_valid_on as "
            ~ dbt.type_string() ~ ") end)",
            'field'
        ) }} as evidence
    from found_approvals
    group by org, campaign_id
),

member_counts as (
    select
        org,
        campaign_id,
        count(*) as lead_member_count
    from members
    where member_type = 'lead'
    group by org, campaign_id
),

step_counts as (
    select
        campaign_map.org,
        campaign_map.campaign_id,
        count(*) as step_count,
        sum(case when approved_templates.seq_number is null then 1 else 0 end) as unapproved_step_count
    from campaign_map
    inner join sequences
        on campaign_map.smartlead_campaign_id = sequences.smartlead_campaign_id
    left join approved_templates
        on
            sequences.smartlead_campaign_id = approved_templates.smartlead_campaign_id
            and sequences.seq_number = approved_templates.seq_number
    group by campaign_map.org, campaign_map.campaign_id
),

mailbox_counts as (
    select
        org,
        campaign_id,
        count(*) as mailbox_count,
        sum(case when is_approved then 0 else 1 end) as unapproved_mailbox_count,
        sum(case when is_healthy then 1 else 0 end) as healthy_mailbox_count,
        sum(case when is_healthy then daily_share else 0 end) as mails_per_day
    from mailboxes
    group by org, campaign_id
),

senders_and_templates as (
    select
        mailbox_counts.org,
        mailbox_counts.campaign_id,
        'senders_and_templates_approved' as gate,
        mailbox_counts.unapproved_mailbox_count + step_counts.unapproved_step_count as measured_value,
        concat_ws(
            ' ',
            cast(mailbox_counts.unapproved_mailbox_count as {{ dbt.type_string() }}), 'of',
            cast(mailbox_counts.mailbox_count as {{ dbt.type_string() }}), 'mailboxes and',
            cast(step_counts.unapproved_step_count as {{ dbt.type_string() }}), 'of',
            cast(step_counts.step_count as {{ dbt.type_string() }}), 'steps are not approved'
        ) as evidence
    from mailbox_counts
    inner join step_counts
        on
            mailbox_counts.org = step_counts.org
            and mailbox_counts.campaign_id = step_counts.campaign_id
),

sending_volume as (
    select
        mailbox_counts.org,
        mailbox_counts.campaign_id,
        'sending_volume_within_limits' as gate,
        cast(member_counts.lead_member_count * step_counts.step_count as double)
        / mailbox_counts.mails_per_day as measured_value,
        concat_ws(
            ' ',
            cast(member_counts.lead_member_count * step_counts.step_count as {{ dbt.type_string() }}), 'mails,',
            cast(cast(round(mailbox_counts.mails_per_day) as bigint) as {{ dbt.type_string() }}),
            'a day for this campaign from',
            cast(mailbox_counts.healthy_mailbox_count as {{ dbt.type_string() }}), 'healthy mailboxes'
        ) as evidence
    from mailbox_counts
    inner join step_counts
        on
            mailbox_counts.org = step_counts.org
            and mailbox_counts.campaign_id = step_counts.campaign_id
    inner join member_counts
        on
            mailbox_counts.org = member_counts.org
            and mailbox_counts.campaign_id = member_counts.campaign_id
    where mailbox_counts.mails_per_day > 0
),

measurements as (
    select * from legal_approval
    union all
    select * from senders_and_templates
    union all
    select * from sending_volume
)

select * from measurements
