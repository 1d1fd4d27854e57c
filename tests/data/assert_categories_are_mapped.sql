-- R3: every category of the Smartlead account is in category_map. A failure means that somebody has made a category
-- whose meaning nobody has decided; until then its replies count, but say nothing. Acts: MARCOM Ops, in
-- seeds/category_map.csv.
{{ config(severity='warn') }}

with

categories as (
    select * from {{ ref('stg_smartlead__categories') }}
),

category_map as (
    select * from {{ ref('category_map') }}
)

select categories.*
from categories
left join category_map on lower(trim(categories.category)) = lower(category_map.category)
where category_map.category is null
