//! Advice, carried out: what was found is gone afterwards, and every number of it stood in the capture.

use pgtriage::analyze::{Config, analyze};
use pgtriage::collect::{Options, observe};
use pgtriage::demo::cluster::Cluster;
use pgtriage::finding::{Finding, Report};
use pgtriage::snapshot::{Snapshot, redact};
use pgtriage::sql::redact::Redactor;
use serde_json::{Value, json};

use crate::collect::client;
use crate::{MAIN_MAJOR, builder, majors, value};

/// What a reader of the advice does.
pub enum Carried {
    /// Runs the statements of that finding's advice.
    DdlOf(&'static str),
    /// Runs what the advice says in words.
    Sql(&'static str),
    /// Runs the statement that is written out in that finding's advice.
    RewriteOf(&'static str),
    /// Runs that statement with values for its parameters.
    RewriteWith(&'static str, Values),
    /// Writes the statement as the advice says in words.
    Query(&'static str),
    /// Prepares the statement and runs it again.
    Prepared,
}

/// What parameters stand for, as SQL.
#[derive(Clone, Copy)]
pub struct Values {
    /// Those of the statement, from `$1` on.
    pub before: &'static [&'static str],
    /// Those of the rewritten one.
    pub after: &'static [&'static str],
}

/// The text with values in the place of its parameters.
fn filled(query: &str, values: &[&str]) -> String {
    let numbered = values.iter().enumerate().rev();
    numbered.fold(query.to_owned(), |query, (place, value)| {
        query.replace(&format!("${}", place + 1), value)
    })
}

pub struct Advised {
    /// The name of its database, too.
    pub name: &'static str,
    /// The first major version whose plan shows it.
    pub from: u32,
    /// The extension that it takes, or `jit`.
    pub requires: Option<&'static str>,
    pub setup: &'static str,
    pub settings: &'static [(&'static str, &'static str)],
    pub query: &'static str,
    /// The findings, which are gone afterwards.
    pub finds: &'static [&'static str],
    pub carried: Carried,
}

const EXPLAIN: &str = "EXPLAIN (ANALYZE, VERBOSE, BUFFERS, SETTINGS, FORMAT JSON)";

/// Runs the statement in a transaction that is rolled back, after `before` in the same session.
fn explained(cluster: &Cluster, case: &Advised, before: &str, query: &str) -> Value {
    let sql = format!("{before}; BEGIN; {EXPLAIN} {query}; ROLLBACK");
    let rows = cluster
        .query(case.name, &sql)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let text = rows.last().and_then(|row| row.first()).cloned().flatten();
    let mut plans: Vec<Value> = serde_json::from_str(&text.expect("a plan")).expect("JSON");
    plans.remove(0)
}

/// What is seen of the server, with this one plan of a statement that has run a hundred times.
async fn seen(cluster: &Cluster, case: &Advised, query: &str, plan: Value) -> Report {
    let client = client(cluster, "postgres", case.name).await;
    let mut snapshot: Snapshot = observe(&client, &Options::default())
        .await
        .expect("an observation");
    let key = json!({"userid": 10, "queryid": "1", "toplevel": true});
    snapshot.statements = serde_json::from_value(json!([{
        "key": key, "role": "postgres", "query": query,
        "counters": {"calls": 100, "rows": 100, "total_exec_time_ms": 10_000.0},
    }]))
    .expect("a statement");
    snapshot.plans = serde_json::from_value(json!([{
        "key": key, "variant": "none", "execution": "analyzed", "planned_text": "as_written", "plan": plan,
    }]))
    .expect("a plan");
    redact(&mut snapshot, &mut Redactor::new());
    let report = analyze(&snapshot, &Config::default());
    let capture = serde_json::to_value(&snapshot).expect("JSON");
    for finding in &report.bottlenecks {
        stands_in(finding, &capture);
    }
    report
}

/// Every number of a finding is the one that its pointer or formula gives.
fn stands_in(finding: &Finding, capture: &Value) {
    for number in &finding.evidence {
        let found = match (&number.pointer, &number.formula) {
            (Some(pointer), None) => capture.pointer(pointer).and_then(Value::as_f64),
            (None, Some(formula)) => formula.evaluate(capture).ok(),
            _ => None,
        };
        let same =
            found.is_some_and(|found| (found - number.value).abs() <= 1e-6 * found.abs().max(1.0));
        assert!(same, "{}: {number:?} is {found:?}", finding.id);
    }
}

fn found<'r>(report: &'r Report, id: &str) -> Option<&'r Finding> {
    let mut findings = report.bottlenecks.iter();
    findings.find(|finding| finding.kind.as_str() == id)
}

fn ids(report: &Report) -> Vec<&str> {
    let findings = report.bottlenecks.iter();
    findings.map(|finding| finding.id.as_str()).collect()
}

/// Carries out the advice and gives the plan afterwards.
fn carry_out(cluster: &Cluster, case: &Advised, report: &Report) -> Value {
    let run = |sql: &str| {
        cluster
            .execute(case.name, sql)
            .unwrap_or_else(|error| panic!("{}: {sql}: {error}", case.name));
    };
    match case.carried {
        Carried::DdlOf(id) => {
            let finding = found(report, id).expect("checked before");
            let ddl = &finding.recommendation.ddl;
            assert!(!ddl.is_empty(), "{}: {}", case.name, finding.fix);
            for sql in ddl {
                run(sql);
            }
            explained(cluster, case, "", case.query)
        }
        Carried::Sql(sql) => {
            run(sql);
            run("ANALYZE");
            explained(cluster, case, "", case.query)
        }
        Carried::RewriteOf(id) => {
            let advice = &found(report, id).expect("checked before").recommendation;
            let query = advice.rewrite.as_deref().expect("a rewrite");
            explained(cluster, case, "", query)
        }
        Carried::RewriteWith(id, values) => {
            let advice = &found(report, id).expect("checked before").recommendation;
            let query = advice.rewrite.as_deref().expect("a rewrite");
            explained(cluster, case, "", &filled(query, values.after))
        }
        Carried::Query(query) => explained(cluster, case, "", query),
        Carried::Prepared => {
            let before = format!("PREPARE it AS {}; {EXPLAIN} EXECUTE it", case.query);
            explained(cluster, case, &before, "EXECUTE it")
        }
    }
}

fn prepare(cluster: &Cluster, case: &Advised) {
    cluster.create_database(case.name).expect("a database");
    let run = |sql: &str| {
        cluster
            .execute(case.name, sql)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    };
    let always = [("jit", "off"), ("max_parallel_workers_per_gather", "0")];
    for (name, value) in always.iter().chain(case.settings) {
        run(&format!(
            "ALTER DATABASE {} SET {name} = '{value}'",
            case.name
        ));
    }
    run(case.setup);
    // In a transaction of its own: the rows of the same one would count as changed since.
    run("ANALYZE");
}

/// Finds, carries out and finds no more, on the one with all extensions and on the newest, whose EXPLAIN differs most.
pub async fn ends_the_finding(cases: &[Advised]) {
    for major in majors()
        .into_iter()
        .filter(|major| [MAIN_MAJOR, 18].contains(major))
    {
        // VACUUM marks a page only where the commits of its rows are known to be on disk (heapam_visibility.c).
        let cluster = builder(major)
            .setting("synchronous_commit", "on")
            .start()
            .expect("a server");
        for case in cases.iter().filter(|case| case.can_run(&cluster)) {
            prepare(&cluster, case);
            let before = match case.carried {
                Carried::RewriteWith(_, values) => filled(case.query, values.before),
                _ => case.query.to_owned(),
            };
            let before = explained(&cluster, case, "", &before);
            let report = seen(&cluster, case, case.query, before).await;
            let at = format!("PostgreSQL {major}, {}", case.name);
            for id in case.finds {
                assert!(
                    found(&report, id).is_some(),
                    "{at}: no {id} in {:?}",
                    ids(&report)
                );
            }
            let after = carry_out(&cluster, case, &report);
            let report = seen(&cluster, case, case.query, after).await;
            for id in case.finds {
                assert!(
                    found(&report, id).is_none(),
                    "{at}: still {:?}",
                    ids(&report)
                );
            }
        }
    }
}

impl Advised {
    fn can_run(&self, cluster: &Cluster) -> bool {
        let compiles = || {
            let asked = "SET jit = on; SELECT pg_jit_available()";
            value(cluster, "postgres", asked) == "t"
        };
        let there = |extension: &str| match extension {
            "jit" => compiles(),
            extension => cluster.has_extension(extension),
        };
        cluster.major() >= self.from && self.requires.is_none_or(there)
    }
}
