-- R4: each language of a description has the most words in its own example. A failure means that a list of words was
-- changed without its example, or belongs to two languages. Acts: whoever changed seeds/description_languages.csv.
with

languages as (
    select * from {{ ref('description_languages') }}
),

ordinary_words as (
    select
        languages.language,
        ordinary.word
    from languages
    {{ words_lateral('languages.words', 'ordinary') }}
),

example_words as (
    select
        languages.language as expected,
        written.word
    from languages
    {{ words_lateral('languages.example', 'written') }}
),

counted as (
    select
        example_words.expected,
        ordinary_words.language as found,
        count(*) as word_count
    from example_words
    inner join ordinary_words on example_words.word = ordinary_words.word
    group by example_words.expected, ordinary_words.language
),

compared as (
    select
        languages.language,
        coalesce(max(case when counted.found = languages.language then counted.word_count end), 0) as own_words,
        coalesce(max(case when counted.found <> languages.language then counted.word_count end), 0) as words_of_others
    from languages
    left join counted on languages.language = counted.expected
    group by languages.language
)

select * from compared
where own_words <= words_of_others
