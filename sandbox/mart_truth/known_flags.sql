-- Eligibility: customers, partners, open deals
with expected as (
    select leads.org, leads.lead_id, accounts.relation, accounts.is_in_talks, accounts.flags
    from staging.stg_salesforce__leads as leads
    join read_parquet('$truth/salesforce_accounts.parquet') as accounts
        on accounts.org = leads.org and accounts.account_id = leads.matched_account_id
)

select
    org || ' ' || lead_id as id,
    [is_in_talks, if(flags = 'right', relation = 'customer', is_customer), if(flags = 'right', relation = 'partner',
        is_partner)] as expected,
    [is_open_opportunity, is_customer, is_partner] as found
from expected
full join (
    select eligibility.* from published.marts.fct_lead_eligibility as eligibility
    semi join (from staging.stg_salesforce__leads where matched_account_id is not null) using (org, lead_id)
) as eligibility using (org, lead_id)
