-- R7: every gate of every AI campaign, evaluated anew. A gate that cannot be measured is unknown, and does not pass.
with

campaigns as (
    select * from {{ ref('stg_salesforce__campaigns') }}
    where is_ai_outreach and not is_deleted
),

gate_thresholds as (
    select * from {{ ref('gate_thresholds') }}
),

measurements as (
    select * from {{ ref('int_audience__member_gates') }}
    union all
    select * from {{ ref('int_audience__policy_gates') }}
    union all
    select * from {{ ref('int_audience__clay_gates') }}
    union all
    select * from {{ ref('int_audience__smartlead_gates') }}
),

campaign_gates as (
    select
        campaigns.org,
        campaigns.campaign_id,
        campaigns.campaign_name,
        gate_thresholds.gate,
        case
            when measurements.measured_value is null then 'unknown'
            when measurements.measured_value <= gate_thresholds.threshold then 'pass'
            else 'fail'
        end as verdict,
        cast(measurements.measured_value as double) as measured_value,
        gate_thresholds.threshold,
        gate_thresholds.description as measured_as,
        gate_thresholds.owner,
        coalesce(measurements.evidence, 'nothing to measure yet') as evidence,
        gate_thresholds.is_required_before_export,
        gate_thresholds.is_required_before_launch,
        gate_thresholds.sign_off_by
    from campaigns
    cross join gate_thresholds
    left join measurements
        on
            campaigns.org = measurements.org
            and campaigns.campaign_id = measurements.campaign_id
            and gate_thresholds.gate = measurements.gate
)

select * from campaign_gates
