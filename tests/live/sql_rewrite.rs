//! What `sql::rewrite` makes of normalised text, put to servers.

use pgtriage::demo::cluster::Cluster;
use pgtriage::sql::rewrite::{equivalent_select, repair};

const SCHEMA: &str = include_str!("../../testdata/sql/schema.sql");

/// `name` and text of the statements in `statements.sql`.
fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../../testdata/sql/statements.sql")
        .split("\n\n")
        .filter_map(|part| part.trim().split_once('\n'))
}

/// Texts as `pg_stat_statements` shows them.
fn normalised() -> impl Iterator<Item = &'static str> {
    include_str!("../../testdata/sql/repairs.sql")
        .lines()
        .skip(1)
}

/// Which candidate is the first that the server prepares, or the server's message on the best one.
fn first_prepared(cluster: &Cluster, text: &str) -> Result<usize, String> {
    let mut message = String::new();
    for (index, candidate) in repair(text).into_iter().enumerate() {
        let prepare = format!("PREPARE it AS {}", candidate.text);
        match cluster.execute("postgres", &prepare) {
            Ok(()) => return Ok(index),
            Err(error) if index == 0 => message = format!("{error}: {}", candidate.text),
            Err(_) => {}
        }
    }
    Err(message)
}

/// Whether the major version has the grammar and functions of `text`.
fn exists_in(major: u32, text: &str) -> bool {
    let lower = text.to_lowercase();
    // MERGE, and PREPARE of SELECT INTO, came with 15; the others with 14.
    let of_15 = ["merge into", " into temp "]
        .iter()
        .any(|word| lower.contains(word));
    let of_14 = [
        "date_bin",
        "attrs[",
        "search depth",
        "group by distinct",
        "name similar $",
    ]
    .iter()
    .any(|word| lower.contains(word));
    !(of_15 && major < 15 || of_14 && major < 14)
}

#[test]
fn normalised_text_prepares_on_every_version() {
    for major in crate::majors() {
        let cluster = crate::builder(major).start().expect("a server");
        cluster.execute("postgres", SCHEMA).expect("the schema");
        let (mut first, mut later) = (0, Vec::new());
        for text in normalised().filter(|text| exists_in(major, text)) {
            match first_prepared(&cluster, text) {
                Ok(0) => first += 1,
                Ok(index) => later.push((index, text)),
                Err(message) => panic!("{major}: {text}\n{message}"),
            }
        }
        assert!(first > 95, "{major}: {first} at once, then {later:#?}");
    }
}

#[test]
fn statements_prepare_on_every_version() {
    for major in crate::majors() {
        let cluster = crate::builder(major).start().expect("a server");
        cluster.execute("postgres", SCHEMA).expect("the schema");
        for (name, text) in statements().filter(|(_, text)| exists_in(major, text)) {
            if let Err(message) = first_prepared(&cluster, text) {
                panic!("{major}: {name}: {message}");
            }
        }
    }
}

#[test]
fn equivalents_prepare_and_plan_for_a_role_that_may_only_read() {
    for major in crate::majors() {
        let cluster = crate::builder(major).start().expect("a server");
        cluster.execute("postgres", SCHEMA).expect("the schema");
        let role = "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader;";
        let old = "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA audit TO reader; \
                   GRANT SELECT ON ALL TABLES IN SCHEMA public, audit TO reader;";
        let role = if major < 14 { old } else { role };
        cluster.execute("postgres", role).expect("a role");
        let texts = statements().map(|(_, text)| text).chain(normalised());
        let mut planned = 0;
        for text in texts.filter(|text| exists_in(major, text)) {
            let Ok(select) = equivalent_select(text) else {
                continue;
            };
            let nulls = vec!["NULL"; select.parameters.len()].join(", ");
            let call = if nulls.is_empty() {
                "it".to_owned()
            } else {
                format!("it({nulls})")
            };
            let planning = repair(&select.text).into_iter().find_map(|candidate| {
                let sql = format!("PREPARE it AS {}; EXPLAIN EXECUTE {call};", candidate.text);
                cluster.query_as("reader", "postgres", &sql).ok()
            });
            assert!(planning.is_some(), "{major}: {}", select.text);
            planned += 1;
        }
        assert!(planned > 30, "{major}: {planned}");
    }
}
