-- Eligibility: merged, deleted, address, opted out, unsubscribed
with opted_out as (
    select distinct org, record_id as lead_id
    from read_parquet('$truth/salesforce_events.parquet') where kind = 'opted_out'
),

unsubscribed as (
    select distinct lower(email) as email from read_parquet('$truth/smartlead_unsubscribes.parquet')
)

select
    org || ' ' || lead_id as id,
    [
        truth.merged_into_id is not null, truth.is_deleted and truth.merged_into_id is null,
        email_spelling = 'blank', email_spelling = 'invalid',
        opted_out.lead_id is not null or eligibility.is_opted_out,
        unsubscribed.email is not null
    ] as expected,
    [is_merged, eligibility.is_deleted, is_email_missing, is_email_invalid, is_opted_out, is_unsubscribed] as found
from read_parquet('$truth/salesforce_leads.parquet') as truth
full join published.marts.fct_lead_eligibility as eligibility using (org, lead_id)
left join opted_out using (org, lead_id)
left join unsubscribed on unsubscribed.email = lower(truth.true_email)
