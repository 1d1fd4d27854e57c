-- Classification in force
with given as (
    select
        known_members.org,
        known_members.campaign_member_id,
        arg_max(classification, given_at) as classification
    from read_parquet('$truth/clay_classifications.parquet') as given
    join known_members
        on known_members.smartlead_campaign_id = given.smartlead_campaign_id::bigint
        and known_members.email = given.email
    anti join read_parquet('$truth/smartlead_category_changes.parquet') as changes
        on changes.smartlead_campaign_id = given.smartlead_campaign_id::bigint and changes.email = given.email
        and changes.who = 'person'
    group by all
)

select org || ' ' || campaign_member_id as id, classification as expected, classification_to as found
from given
left join (from published.marts.fct_classification_history where is_current) using (org, campaign_member_id)
