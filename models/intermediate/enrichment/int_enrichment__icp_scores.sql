-- The ICP score as the reference architecture defines it, one column per component; words, points and bounds are those
-- of the seed. Its nested IFs run from the most points to the fewest, so the best rule that holds decides. CONTAINS is
-- read as: whole words, whatever their case. Read as parts of words in any case, every "Director" would be a "CTO".
with

row_results as (
    select
        *,
        ' ' || translate(lower(job_title), '-/,.;:()&|', '          ') || ' ' as title_words
    from {{ ref('int_enrichment__row_results') }}
),

weights as (
    select * from {{ ref('icp_weights') }}
),

word_lists as (
    select
        component,
        points,
        '["' || replace(lower(rule), '; ', '","') || '"]' as word_list
    from weights
    where component in ('industry', 'title') and rule <> 'any other'
),

words as (
    select
        word_lists.component,
        word_lists.points,
        {{ json_element_text('word.element') }} as word
    from word_lists
    {{ json_array_lateral('word_lists.word_list', 'word') }}
),

title_words as (
    select
        points,
        ' ' || translate(word, '-/,.;:()&|', '          ') || ' ' as title_word
    from words
    where component = 'title'
),

single_points as (
    select
        max(case when component = 'industry' and rule = 'any other' then points end) as other_industry_points,
        max(case when component = 'title' and rule = 'any other' then points end) as other_title_points,
        max(case when component = 'data' and rule = 'work e-mail' then points end) as work_email_points,
        max(case when component = 'data' and rule = 'phone number' then points end) as phone_number_points
    from weights
),

sizes as (
    select
        row_results.table_id,
        row_results.row_id,
        max(weights.points) as company_size_score
    from row_results
    inner join weights
        on
            weights.component = 'company_size'
            and coalesce(row_results.employee_count, 0) >= weights.minimum
    group by row_results.table_id, row_results.row_id
),

industries as (
    select
        row_results.table_id,
        row_results.row_id,
        max(words.points) as industry_score
    from row_results
    inner join words
        on
            words.component = 'industry'
            and lower(row_results.industry) = words.word
    group by row_results.table_id, row_results.row_id
),

titles as (
    select
        row_results.table_id,
        row_results.row_id,
        max(title_words.points) as title_score
    from row_results
    inner join title_words on instr(row_results.title_words, title_words.title_word) > 0
    group by row_results.table_id, row_results.row_id
),

components as (
    select
        row_results.table_id,
        row_results.row_id,
        coalesce(sizes.company_size_score, 0) as company_size_score,
        coalesce(industries.industry_score, single_points.other_industry_points) as industry_score,
        coalesce(titles.title_score, single_points.other_title_points) as title_score,
        case when row_results.work_email is not null then single_points.work_email_points else 0 end
        + case when row_results.phone_number is not null then single_points.phone_number_points else 0 end
            as data_score
    from row_results
    cross join single_points
    left join sizes
        on
            row_results.table_id = sizes.table_id
            and row_results.row_id = sizes.row_id
    left join industries
        on
            row_results.table_id = industries.table_id
            and row_results.row_id = industries.row_id
    left join titles
        on
            row_results.table_id = titles.table_id
            and row_results.row_id = titles.row_id
),

summed as (
    select
        *,
        company_size_score + industry_score + title_score + data_score as icp_score
    from components
),

tiers as (
    select
        summed.*,
        weights.rule as icp_tier,
        row_number() over (
            partition by summed.table_id, summed.row_id
            order by weights.minimum desc
        ) as place
    from summed
    inner join weights
        on
            weights.component = 'tier'
            and summed.icp_score >= weights.minimum
),

icp_scores as (
    select
        table_id,
        row_id,
        company_size_score,
        industry_score,
        title_score,
        data_score,
        icp_score,
        icp_tier
    from tiers
    where place = 1
)

select * from icp_scores
