-- R7: a gate that is not there cannot stop anything. A failure means that a campaign could be exported unchecked. Acts:
-- MARCOM Ops adds the gate to gate_thresholds, or analytics engineering its measurement.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where is_ai_outreach and not is_deleted
),

gate_thresholds as (
    select * from {{ ref('gate_thresholds') }}
),

campaign_gates as (
    select * from {{ ref('fct_campaign_gates') }}
)

select
    campaigns.org,
    campaigns.campaign_id,
    gate_thresholds.gate
from campaigns
cross join gate_thresholds
left join campaign_gates
    on
        campaigns.org = campaign_gates.org
        and campaigns.campaign_id = campaign_gates.campaign_id
        and gate_thresholds.gate = campaign_gates.gate
where campaign_gates.gate is null or campaign_gates.verdict is null
