use proptest::prelude::*;

use super::{Kind, Reason, parse};

/// The statements of `testdata/sql/statements.sql`: name and text.
pub fn statements() -> Vec<(&'static str, &'static str)> {
    include_str!("../../../testdata/sql/statements.sql")
        .split("\n\n")
        .map(|part| part.trim().split_once('\n').unwrap())
        .map(|(name, text)| (name.trim_start_matches("-- "), text))
        .collect()
}

#[test]
fn what_postgresql_reads_is_understood() {
    let failed: Vec<_> = statements()
        .into_iter()
        .filter_map(|(name, text)| Some((name, parse(text).err()?.to_string())))
        .collect();
    assert_eq!(failed, [("composite access", "the statement does not parse: sql parser error: Expected: end of statement, found: :: at Line: 1, Column: 22".to_owned())]);
}

#[test]
fn kinds() {
    for (text, kind) in [
        ("select 1", Kind::Select),
        ("(select 1) union select 2;", Kind::Select),
        ("table t", Kind::Select),
        ("values (1)", Kind::Select),
        (
            "with a as (select 1) insert into t select * from a",
            Kind::Insert,
        ),
        ("insert into t values (1)", Kind::Insert),
        ("with a as (select 1) update t set x = 1", Kind::Update),
        ("delete from t", Kind::Delete),
        ("with a as (select 1) delete from t using a", Kind::Delete),
        (
            "merge into t using s on true when matched then delete",
            Kind::Merge,
        ),
        ("create table t (a int)", Kind::Other),
        ("vacuum t", Kind::Other),
        ("explain select 1", Kind::Other),
    ] {
        assert_eq!(parse(text).unwrap().kind(), kind, "{text}");
    }
}

#[test]
fn marks() {
    let marks = |text: &str| {
        let s = parse(text).unwrap();
        (
            s.has_locking_clause(),
            s.has_data_modifying_cte(),
            s.is_select_into(),
            s.only_reads(),
        )
    };
    assert_eq!(marks("select 1"), (false, false, false, true));
    assert_eq!(
        marks("select * from (select 1 from t for key share) x"),
        (true, false, false, false)
    );
    assert_eq!(
        marks("with a as (with b as (delete from t returning *) select * from b) select 1"),
        (false, true, false, false)
    );
    assert_eq!(marks("select 1 into x"), (false, false, true, false));
    assert_eq!(marks("delete from t"), (false, false, false, false));
    assert_eq!(
        marks("select substring(a for 3) from t"),
        (false, false, false, true)
    );
}

#[test]
fn exactly_one_statement() {
    for (text, reason) in [
        ("", Reason::Empty),
        (" -- nothing\n;", Reason::Empty),
        ("select 1; select 2", Reason::Several(2)),
    ] {
        assert_eq!(parse(text).unwrap_err().reason, reason, "{text}");
    }
    assert!(matches!(
        parse("selec 1").unwrap_err().reason,
        Reason::Syntax(_)
    ));
}

#[test]
fn redacted_constants_are_constants() {
    for text in [
        "select * from t where a = ‹text#1› and b > ‹number#2› limit ‹number#3›",
        "select interval ‹text#1›, a from t where b in (‹number#2›, ‹number#2›)",
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn deep_text_is_refused_or_read_but_never_overflows() {
    let deep = |open: &str, close: &str, n: usize| {
        format!("select {}1{}", open.repeat(n), close.repeat(n))
    };
    for n in [50, 199, 1000, 100_000] {
        for text in [
            deep("(", ")", n),
            deep("f(", ")", n),
            deep("array[", "]", n),
            deep("case when ", " then 1 end", n),
            deep("not ", "", n),
            deep("- ", "", n),
            deep("", "::int", n),
            deep("", " is null", n),
            deep("", " !", n),
            deep("", " + 1", n),
            deep("", " or a = 1", n),
            deep("", " union select 1", n),
            deep("exists (select ", ")", n),
            deep("", "[1]", n),
            deep("", ".a", n),
            deep("a.", "", n),
            deep("interval ", "", n),
            deep("cast(", " as int)", n),
            deep("", " collate c", n),
            deep("", " at time zone c", n),
        ] {
            let _ = parse(&text);
        }
    }
    assert!(parse(&deep("", " or a = 1", 3000)).is_ok());
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn mutated_sql(index in 0usize..191, cut in 0usize..400, len in 0usize..20, insert in "(\\$[0-9]|[(),;'\"*]| select | from | for update | array\\[|::|interval | case | not ){0,3}") {
        let all = statements();
        let mut text: Vec<char> = all[index % all.len()].1.chars().collect();
        let cut = cut.min(text.len());
        let end = (cut + len).min(text.len());
        text.splice(cut..end, insert.chars());
        let _ = parse(&text.into_iter().collect::<String>());
    }
}
