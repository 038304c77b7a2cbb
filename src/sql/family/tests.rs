use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SAME: &str = include_str!("../../../testdata/statements/same-family.txt");
const DIFFERENT: &str = include_str!("../../../testdata/statements/different-families.txt");

/// The named groups of a file, without its introduction.
fn groups(file: &str) -> Vec<(&str, Vec<String>)> {
    file.split("\n\n")
        .skip(1)
        .map(|group| {
            let (name, statements) = group.split_once('\n').unwrap();
            let statements = statements.lines().map(|line| line.replace("\\n", "\n"));
            (name.strip_prefix("# ").unwrap(), statements.collect())
        })
        .collect()
}

fn fingerprint(text: &str) -> Fingerprint {
    Family::of(text).fingerprint
}

#[test]
fn what_libraries_vary_is_one_family() {
    let groups = groups(SAME);
    assert!(groups.len() >= 60, "{}", groups.len());
    let mut failures = Vec::new();
    let mut families = BTreeMap::new();
    for (name, statements) in &groups {
        let first = fingerprint(&statements[0]);
        for statement in &statements[1..] {
            let other = Family::of(statement);
            if other.fingerprint != first {
                failures.push(format!(
                    "{name}: {statement}\n  {first}\n  {} {:?}",
                    other.fingerprint, other.basis
                ));
            }
        }
        if let Some(before) = families.insert(first.clone(), name) {
            failures.push(format!("{name} and {before} are one family: {first}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_planned_differently_is_not_one_family() {
    let mut failures = Vec::new();
    for (name, statements) in groups(DIFFERENT) {
        let mut families = BTreeMap::new();
        for statement in statements {
            if let Some(before) = families.insert(fingerprint(&statement), statement.clone()) {
                failures.push(format!(
                    "{name}: {before} and {statement}: {}",
                    fingerprint(&statement)
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn deep_and_long_statements_do_not_overflow() {
    let chain = |count: usize| {
        let terms: Vec<String> = (0..count).map(|index| format!("c{index} = $1")).collect();
        format!("SELECT a FROM t WHERE {}", terms.join(" OR "))
    };
    let nested = |depth: usize| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    let subqueries = |depth: usize| {
        format!(
            "SELECT {}1{}",
            "a + (SELECT ".repeat(depth),
            ")".repeat(depth)
        )
    };
    let prefixes = |count: usize| format!("SELECT {} a", "NOT ".repeat(count));
    let cases = [
        (chain(700), true),
        (chain(100_000), false),
        (
            format!("SELECT {} AS x ORDER BY x", vec!["a = b"; 550].join(" OR ")),
            true,
        ),
        (nested(50), true),
        (nested(100_000), false),
        (subqueries(20), true),
        (subqueries(20_000), false),
        (prefixes(100_000), false),
        (format!("SELECT {}1", "- ".repeat(100_000)), false),
        (
            format!("SELECT 1{}", " UNION SELECT 1".repeat(50_000)),
            false,
        ),
        (format!("SELECT a{}", "::int".repeat(50_000)), false),
        (format!("SELECT a{}", "[1]".repeat(50_000)), false),
        (format!("SELECT a{}", ".b".repeat(50_000)), false),
        (
            format!(
                "SELECT {}{}",
                "CASE WHEN a THEN ".repeat(10_000),
                "END ".repeat(10_000)
            ),
            false,
        ),
        (format!("SELECT 1 FROM {}", "a JOIN ".repeat(10_000)), false),
        (format!("SELECT a{}", " COLLATE x".repeat(50_000)), false),
        (
            format!("SELECT a{}", " AT TIME ZONE x".repeat(50_000)),
            false,
        ),
        (format!("SELECT a{}", " NOTNULL".repeat(50_000)), false),
        (format!("SELECT {}", "INTERVAL ".repeat(50_000)), false),
        (format!("SELECT {}", "PRIOR ".repeat(50_000)), false),
        (
            format!("{} SELECT 1", "WITH a AS (SELECT 1) ".repeat(10_000)),
            false,
        ),
        (format!("SELECT a::{}int", "array<".repeat(10_000)), false),
    ];
    for (text, parsed) in cases {
        let shape = Family::of(&text);
        if parsed {
            assert_eq!(shape.basis, ShapeBasis::Parsed, "{}", pretty(&text, 60));
        }
    }
}

/// What a small SELECT is made of.
#[derive(Debug, Clone)]
struct Select {
    columns: Vec<&'static str>,
    predicates: Vec<(&'static str, &'static str)>,
    list: usize,
    order: Option<&'static str>,
}

fn select() -> impl Strategy<Value = Select> {
    let column = prop::sample::select(vec!["id", "name", "total", "\"Weird\"", "at"]);
    let operator = prop::sample::select(vec!["=", "<>", "<", ">=", "LIKE", "@>"]);
    (
        prop::collection::vec(column.clone(), 1..4),
        prop::collection::vec((column.clone(), operator), 1..5),
        1_usize..5,
        prop::option::of(column),
    )
        .prop_map(|(columns, predicates, list, order)| Select {
            columns,
            predicates,
            list,
            order,
        })
}

/// How a SELECT is spelled.
#[derive(Debug, Clone)]
struct Spelling {
    alias: Option<&'static str>,
    constants: Vec<&'static str>,
    rotation: usize,
    blank: &'static str,
    list: usize,
    upper: bool,
    comment: &'static str,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let constant = prop::sample::select(vec![
        "$1",
        "$12",
        "'x'",
        "42",
        "-1",
        "E'a\\'b'",
        "$$x$$",
        "$3::text",
        "‹text#4›",
        "CAST($1 AS int)",
        "NULL",
    ]);
    (
        prop::option::of(prop::sample::select(vec!["t", "t0_", "\"Orders\"", "o1_0"])),
        prop::collection::vec(constant, 10),
        0_usize..5,
        prop::sample::select(vec![" ", "\n\t ", " /* c */ ", " -- c\n"]),
        1_usize..6,
        any::<bool>(),
        prop::sample::select(vec!["", "/* a='b' */", ";", " -- end"]),
    )
        .prop_map(
            |(alias, constants, rotation, blank, list, upper, comment)| Spelling {
                alias,
                constants,
                rotation,
                blank,
                list,
                upper,
                comment,
            },
        )
}

fn spelled(select: &Select, spelling: &Spelling) -> String {
    let column = |name: &str| match spelling.alias {
        Some(alias) => format!("{alias}.{name}"),
        None => name.to_owned(),
    };
    let keyword = |word: &str| {
        if spelling.upper {
            word.to_ascii_uppercase()
        } else {
            word.to_ascii_lowercase()
        }
    };
    let mut constants = spelling.constants.iter().cycle();
    let mut constant = || constants.next().copied().unwrap_or("$1");
    let mut predicates: Vec<String> = select
        .predicates
        .iter()
        .enumerate()
        .map(|(index, (name, operator))| {
            let flipped = match *operator {
                "=" => "=",
                "<>" => "!=",
                "<" => ">",
                ">=" => "<=",
                _ => "",
            };
            if !flipped.is_empty() && (index + spelling.rotation) % 2 == 1 {
                format!("{} {flipped} {}", constant(), column(name))
            } else {
                format!("({} {} {})", column(name), keyword(operator), constant())
            }
        })
        .collect();
    let list: Vec<&str> = (0..select.list.max(1) * spelling.list)
        .map(|_| constant())
        .collect();
    predicates.push(format!(
        "{} {} ({})",
        column("id"),
        keyword("in"),
        list.join(", ")
    ));
    let turns = spelling.rotation % predicates.len();
    predicates.rotate_left(turns);
    let columns: Vec<String> = select
        .columns
        .iter()
        .enumerate()
        .map(|(index, name)| match spelling.alias {
            Some(_) => format!("{} {} c{index}_", column(name), keyword("as")),
            None => column(name),
        })
        .collect();
    let from = match spelling.alias {
        Some(alias) => format!("orders {alias}"),
        None => "Orders".to_owned(),
    };
    let mut words = vec![
        keyword("select"),
        columns.join(","),
        keyword("from"),
        from,
        keyword("where"),
        predicates.join(&format!(
            "{}{}{}",
            spelling.blank,
            keyword("and"),
            spelling.blank
        )),
    ];
    if let Some(name) = select.order {
        words.push(format!(
            "{} {} {}",
            keyword("order by"),
            column(name),
            keyword("limit")
        ));
        words.push(constant().to_owned());
    }
    words.push(spelling.comment.to_owned());
    words.join(spelling.blank)
}

/// Text made of what SQL is made of.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "SELECT",
        "FROM",
        "WHERE",
        "a",
        "t.b",
        "\"Q\"",
        "(",
        ")",
        ",",
        "=",
        "IN",
        "ANY",
        "ARRAY",
        "[",
        "]",
        "$1",
        "'x'",
        "1",
        "VALUES",
        "INSERT INTO t",
        "UPDATE t SET",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "::",
        "int",
        "AS",
        "WITH",
        "ORDER BY",
        "LIMIT",
        "JOIN",
        "ON",
        "EXISTS",
        "-",
        "<>",
        "ALL",
        "NULL",
        "interval",
        "day",
        "ROW",
        "OVER",
        "UNION",
        "*",
        ".",
        ";",
        "FOR UPDATE",
        "MERGE",
        "USING",
        "BETWEEN",
        "LIKE",
        "DISTINCT",
        "GROUP BY",
        "HAVING",
        "LATERAL",
        "FETCH FIRST",
        "ROWS ONLY",
        "‹text#1›",
        "||",
        "->>",
        "extract",
        "substring",
        "position",
        "cast",
        "trim",
        "E'\\''",
    ]);
    prop::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_text_has_a_family(text in prop_oneof![any::<String>(), soup(), soup().prop_map(|soup| format!("SELECT {soup}"))]) {
        let shape = Family::of(&text);
        prop_assert_eq!(shape.fingerprint.id().len(), 16);
        prop_assert!(!shape.fingerprint.as_str().contains("'x'"));
    }

    #[test]
    fn spelling_does_not_change_the_family(select in select(), one in spelling(), other in spelling()) {
        let (one, other) = (spelled(&select, &one), spelled(&select, &other));
        let (first, second) = (Family::of(&one), Family::of(&other));
        prop_assert_eq!(&first.basis, &ShapeBasis::Parsed, "{}", one);
        prop_assert_eq!(first.fingerprint, second.fingerprint, "\n{}\n{}", one, other);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn redaction_does_not_change_the_family(select in select(), spelling in spelling()) {
        let text = spelled(&select, &spelling);
        let redacted = crate::sql::redact::Redactor::new().sql(&text);
        prop_assert_eq!(fingerprint(&text), fingerprint(&redacted), "\n{}\n{}", text, redacted);
    }
}
