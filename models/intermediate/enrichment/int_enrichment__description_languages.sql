-- The language of each description that Clay wrote: the one of the seed whose ordinary words occur most often in it.
-- Descriptions in which no word of any of these languages occurs have no row.
with

row_results as (
    select * from {{ ref('int_enrichment__row_results') }}
    where company_description is not null
),

languages as (
    select * from {{ ref('description_languages') }}
),

ordinary_words as (
    select
        languages.language,
        languages.is_accepted,
        ordinary.word
    from languages
    {{ words_lateral('languages.words', 'ordinary') }}
),

words as (
    select
        row_results.table_id,
        row_results.row_id,
        written.word
    from row_results
    {{ words_lateral('row_results.company_description', 'written') }}
),

counted as (
    select
        words.table_id,
        words.row_id,
        ordinary_words.language,
        ordinary_words.is_accepted,
        count(*) as word_count
    from words
    inner join ordinary_words on words.word = ordinary_words.word
    group by words.table_id, words.row_id, ordinary_words.language, ordinary_words.is_accepted
),

ranked as (
    select
        *,
        row_number() over (
            partition by table_id, row_id
            order by word_count desc, is_accepted desc, language asc
        ) as place
    from counted
),

description_languages as (
    select
        table_id,
        row_id,
        language as description_language,
        is_accepted
    from ranked
    where place = 1
)

select * from description_languages
