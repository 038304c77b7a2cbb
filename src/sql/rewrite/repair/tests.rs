use std::fmt::Write;

use proptest::prelude::*;

use super::{Repair, repair};
use crate::sql::parse::parse;

fn corpus() -> impl Iterator<Item = &'static str> {
    include_str!("../../../../testdata/sql/repairs.sql")
        .lines()
        .skip(1)
}

#[test]
fn repairs_one_by_one() {
    for (text, expected) in [
        ("select interval $1", "select $1::interval"),
        (
            "select interval $1 day, interval(3) $2",
            "select $1::interval day, $2::interval(3)",
        ),
        (
            "select date $1, timestamp(3) with time zone $2, double precision $3, numeric(10,2) $4",
            "select $1::date, $2::timestamp(3) with time zone, $3::double precision, $4::numeric(10,2)",
        ),
        (
            "select public.mood $1, \"Mood\" $2",
            "select $1::public.mood, $2::\"Mood\"",
        ),
        (
            "select a at time zone $1, b from t where c like $2 limit $3",
            "select a at time zone $1, b from t where c like $2 limit $3",
        ),
        (
            "select now() - $1 * interval $2",
            "select now() - $1 * $2::interval",
        ),
        (
            "select extract($1 from a), extract(epoch from $2)",
            "select date_part($1, a), extract(epoch from $2::timestamptz)",
        ),
        (
            "select normalize(a, $1), b.c is not $2 normalized",
            "select pg_catalog.\"normalize\"(a, $1), NOT pg_catalog.is_normalized(b.c, $2)",
        ),
        (
            "select $1 + $2, $3 * a, -$4",
            "select $1::int + $2, $3 * a, -$4::int",
        ),
        (
            "select current_date - $1, $2::date + $3, now() - $4",
            "select current_date - $1::int, $2::date + $3::int, now() - $4::interval",
        ),
        (
            "select generate_series($1, $2), generate_series($3::date, $4, $5)",
            "select generate_series($1::int, $2::int), generate_series($3::date, $4, $5)",
        ),
        (
            "select concat($1, a), format($2, $3), jsonb_build_object($4, a)",
            "select concat($1::text, a), format($2, $3::text), jsonb_build_object($4::text, a)",
        ),
        (
            "select xmlelement(name a, xmlattributes($1 as b), $2)",
            "select xmlelement(name a, xmlattributes($1::text as b), $2::text)",
        ),
        (
            "select substring(a from $1 for $2), substring(a, $3, $4)",
            "select substring(a from $1::int for $2::int), substring(a, $3::int, $4::int)",
        ),
        (
            "select 1 where a = any(array[$1, $2]) and b <> all (array[$3])",
            "select 1 where a IN ($1, $2) and b NOT IN ($3)",
        ),
        (
            "select sum(case when a = $1 then $2 else $3 end), count($4)",
            "select sum(case when a = $1 then $2::int else $3::int end), count($4::text)",
        ),
        (
            "select date_trunc($1, a), count(*) from t where date_trunc($2, a) > $3 group by date_trunc('day', a) order by date_trunc('day', a)",
            "select date_trunc('day', a), count(*) from t where date_trunc($1, a) > $2 group by date_trunc('day', a) order by date_trunc('day', a)",
        ),
        (
            "select date_trunc($1, a) from t group by date_trunc($2, a)",
            "select date_trunc($1, a) from t group by date_trunc($1, a)",
        ),
        (
            "select extract($1 from a) from t group by extract(year from a)",
            "select extract(year from a) from t group by extract(year from a)",
        ),
        (
            "with recursive t as (select $1 as n union all select n + $2 from t) select n from t",
            "with recursive t as (select $1::int as n union all select n + $2 from t) select n from t",
        ),
        (
            "select 1 where $1 is null or a = $2",
            "select 1 where $1::text is null or a = $2",
        ),
        (
            "select 1 where $1 is null or a = $1",
            "select 1 where $1 is null or a = $1",
        ),
        (
            "select row($1, $2), row(a, b) < row($3, $4)",
            "select row($1::text, $2::text), row(a, b) < row($3, $4)",
        ),
        (
            "select '$1', \"interval $1\", $$ interval $1 $$ -- interval $1",
            "select '$1', \"interval $1\", $$ interval $1 $$ -- interval $1",
        ),
        ("select $10 + $1, $2", "select $3::int + $1, $2"),
    ] {
        let first = repair(text).into_iter().next().unwrap();
        assert_eq!(first.text, expected, "{text}");
        assert_eq!(first.what.is_empty(), first.text == text);
    }
}

#[test]
fn guesses_come_before_the_text_as_written() {
    let texts = |text: &str| {
        repair(text)
            .into_iter()
            .map(|one| one.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("select a"), ["select a"]);
    assert_eq!(
        texts("select a -> $1"),
        ["select a -> $1", "select a -> $1::int"]
    );
    assert_eq!(
        texts("select a + $1, date $2"),
        [
            "select a + $1, $2::date",
            "select a + $1::int, $2::date",
            "select a + $1::interval, $2::date",
            "select a + $1, date $2"
        ]
    );
}

#[test]
fn renumbered_parameters_are_mapped() {
    let all = repair("select date_trunc($1, a), $2 from t group by date_trunc('day', a), $3");
    assert_eq!(
        all[0].text,
        "select date_trunc('day', a), $1 from t group by date_trunc('day', a), $2"
    );
    assert_eq!(all[0].parameters, [2, 3]);
    assert!(all[0].what.contains(&Repair::Grouping));
}

/// What is made of the corpus, against `repairs.txt`; `UPDATE=1` writes it anew. The live tests prove that it prepares.
#[test]
fn repairs_of_the_corpus() {
    let mut text = String::new();
    let mut unparsed = Vec::new();
    for original in corpus() {
        if parse(original).is_err() {
            unparsed.push(original);
        }
        writeln!(text, "{original}\n    {}", repair(original)[0].text).unwrap();
    }
    assert_eq!(unparsed.len(), 1, "but for xmlserialize(): {unparsed:#?}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sql/repairs.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (ours, theirs) in text.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(text.len(), expected.len());
}

proptest! {
    #[test]
    fn any_text(text in "(\\PC|\\$[0-9]|[(),;'\"\\[\\]]| array\\[| interval | extract\\(| group by | date | normalize\\(| is | for update | update | set | from ){0,40}") {
        let _ = repair(&text);
        let _ = crate::sql::rewrite::without_locking(&text);
        let _ = crate::sql::rewrite::equivalent_select(&text);
    }

    #[test]
    fn mutated_sql(index in 0usize..1000, cut in 0usize..300, len in 0usize..20, insert in "(\\$[0-9]|[(),;'\"*.]| select | update | set | from | for update | array\\[|::|interval | case | not | group by ){0,3}") {
        let all: Vec<_> = corpus().collect();
        let mut text: Vec<char> = all[index % all.len()].chars().collect();
        let cut = cut.min(text.len());
        let end = (cut + len).min(text.len());
        text.splice(cut..end, insert.chars());
        let text: String = text.into_iter().collect();
        for one in repair(&text) {
            let _ = crate::sql::rewrite::equivalent_select(&one.text);
        }
    }
}
