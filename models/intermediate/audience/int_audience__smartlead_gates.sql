-- R7: what the gate about Smartlead's leads measures; no row before the audience is there. Lower is better.
with

hop_counts as (
    select * from {{ ref('int_audience__hop_counts') }}
),

measurements as (
    select
        org,
        campaign_id,
        'smartlead_lead_count' as gate,
        lead_member_count - member_in_smartlead_count + smartlead_foreign_count as measured_value,
        concat_ws(
            ' ',
            cast(smartlead_lead_count as {{ dbt.type_string() }}), 'leads in Smartlead,',
            cast(member_in_smartlead_count as {{ dbt.type_string() }}), 'of',
            cast(lead_member_count as {{ dbt.type_string() }}), 'lead members among them,',
            cast(smartlead_foreign_count as {{ dbt.type_string() }}), 'leads that stand for no member'
        ) as evidence
    from hop_counts
    where smartlead_lead_count > 0
)

select * from measurements
