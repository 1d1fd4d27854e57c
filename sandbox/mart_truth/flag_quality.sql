-- Flag quality: accounts with missing or contradictory flags
with expected as (
    select
        members.org,
        members.campaign_id,
        count(*) filter (flags = 'missing') as missing,
        count(*) filter (flags = 'contradictory') as contradictory
    from published.marts.dim_campaign_members as members
    join staging.stg_salesforce__leads as leads using (org, lead_id)
    left join read_parquet('$truth/salesforce_accounts.parquet') as accounts
        on accounts.org = leads.org and accounts.account_id = leads.matched_account_id
    where members.is_ai_outreach and members.member_type = 'lead'
    group by all
)

select
    org || ' ' || campaign_id as id,
    [missing, contradictory] as expected,
    [members_with_missing_flag, members_with_contradictory_flag] as found
from expected
full join published.marts.fct_flag_quality using (org, campaign_id)
