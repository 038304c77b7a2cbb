use std::ops::ControlFlow;

use proptest::prelude::*;
use sqlparser::ast::{Query, Select, Visitor};

use super::{Kind, Reason, Statement, body_kind, parse};
use crate::sql::walk::walk;

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

/// Whether a statement is a `SELECT` that locks, creates and modifies nothing.
pub fn only_reads(statement: &Statement) -> bool {
    struct Writes;
    impl Visitor for Writes {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let mut ctes = query.with.iter().flat_map(|with| &with.cte_tables);
            let modifies = ctes.any(|cte| body_kind(&cte.query.body) != Kind::Select);
            ends_if(modifies || !query.locks.is_empty())
        }

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            ends_if(select.into.is_some())
        }
    }
    let writes = walk(statement.tree().unwrap(), &mut Writes).is_break();
    statement.kind() == Kind::Select && !writes
}

fn ends_if(found: bool) -> ControlFlow<()> {
    if found {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

#[test]
fn what_only_reads_is_told_from_what_locks_creates_or_modifies() {
    for (text, expected) in [
        ("select 1", true),
        ("select substring(a for 3) from t", true),
        ("select * from (select 1 from t for key share) x", false),
        (
            "with a as (with b as (delete from t returning *) select * from b) select 1",
            false,
        ),
        ("select 1 into x", false),
        ("delete from t", false),
    ] {
        assert_eq!(only_reads(&parse(text).unwrap()), expected, "{text}");
    }
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
