//! `insert_loop`: rows are inserted one by one, many in one transaction.

use super::support::{Counted, Words, advice, each_family};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, TableRef, Threshold};
use crate::finding::{Action, CheckId, Evidence, Recommendation, Unit, Weight};
use crate::format;
use crate::snapshot::Area;
use crate::snapshot::delta::WindowKind;
use crate::sql::facts::Role;
use crate::sql::mentions::StatementClass;
use crate::sql::rewrite::{insert_many, inserts_one_row};
use crate::units::{float, ratio};

/// Calls from which a loop is worth mending.
static MIN_CALLS: Threshold<i64> = Threshold {
    key: "insert_loop.min_calls",
    default: 1_000,
    unit: Unit::Calls,
    what: "calls in the window",
};

/// Inserts of one family in a transaction from which they are a loop: an order with its few items is none.
static MIN_PER_TRANSACTION: Threshold<f64> = Threshold {
    key: "insert_loop.min_per_transaction",
    default: 10.0,
    unit: Unit::Factor,
    what: "inserts of one family in a transaction",
};

/// The share of the inserted rows that the table's own statistics must have. Sessions report them together with their
/// transactions, a second later or more, and statements at once: what is missing of the ones is missing of the others.
const REPORTED: f64 = 0.9;

static META: CheckMeta = CheckMeta {
    id: CheckId::new("insert_loop"),
    title: "inserts in a loop",
    summary: "an INSERT of one row runs 1,000 times, 10 or more times in a transaction",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_CALLS, &MIN_PER_TRANSACTION],
    page: include_str!("insert_loop.md"),
};

/// The check.
#[derive(Debug)]
pub struct InsertLoop;

impl Check for InsertLoop {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Loop
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let Some(transactions) = Transactions::of(case) else {
            return;
        };
        let mut counted = Vec::new();
        each_family(case, &mut counted, |case, family| {
            look(case, family, &transactions)
        });
        let counted = counted.into_iter();
        found.extend(counted.map(|proposal| case.backed(proposal, "inserts")));
    }
}

/// The transactions of the window, with the formulas of their numbers.
struct Transactions {
    /// All of the database, those of single statements included.
    all: (f64, String),
    /// Those that a client ended with COMMIT or END.
    committed: Option<(f64, String)>,
}

impl Transactions {
    /// `None` where they are not known, or counted for a shorter time than the statements, so that they would be too
    /// few.
    fn of(case: &Case<'_>) -> Option<Self> {
        let workload = &case.workload;
        let window = workload.window();
        let database = window.database.as_ref()?.get();
        if window.kind == WindowKind::SinceReset && window.tables_from? > window.from? {
            return None;
        }
        let term = |field: &str| {
            let now = format!("{{/database/{field}}}");
            match window.kind {
                WindowKind::SinceReset => now,
                WindowKind::Interval => format!("({now} - {{/samples/0/database/{field}}})"),
            }
        };
        let ended = |family: &Family| match StatementClass::of(workload.text(family)) {
            StatementClass::Other(word) => family.toplevel() && (word == "commit" || word == "end"),
            _ => false,
        };
        let families = workload.families().iter().enumerate();
        let ends: Vec<usize> = families
            .filter(|(_, family)| ended(family))
            .map(|(place, _)| place)
            .collect();
        Some(Self {
            all: (
                float(database.xact_commit) + float(database.xact_rollback),
                format!("({} + {})", term("xact_commit"), term("xact_rollback")),
            ),
            committed: workload.sum_over(&ends, Field::Calls),
        })
    }

    /// How many of the calls stand in one transaction at least. Each transaction without COMMIT is one statement of its
    /// own; whatever these are, the rest of the calls share the others.
    fn calls_in_one(&self, case: &Case<'_>, calls: f64, term: &str) -> Option<Evidence> {
        let workload = &case.workload;
        let (all, all_term) = &self.all;
        let of_all = ratio(calls, *all).map(|value| {
            let formula = format!("{term} / {all_term}");
            workload.counted("inserts for each transaction", value, Unit::Factor, formula)
        });
        let of_committed = self
            .committed
            .as_ref()
            .and_then(|(committed, committed_term)| {
                let value = ratio(calls + committed - all, *committed)?;
                let formula =
                    format!("({term} + {committed_term} - {all_term}) / {committed_term}");
                let label = "inserts for each COMMIT, at least";
                Some(workload.counted(label, value, Unit::Factor, formula))
            });
        let both = of_all.into_iter().chain(of_committed);
        both.max_by(|one, other| one.value.total_cmp(&other.value))
    }
}

fn look(case: &Case<'_>, family: &Family, transactions: &Transactions) -> Option<Counted> {
    let workload = &case.workload;
    let text = workload.text(family);
    let one_each = family.rows_per_call().is_some_and(|rows| rows <= 1.0);
    let many = family.toplevel() && family.calls() >= MIN_CALLS.of(case) && one_each;
    if !many || StatementClass::of(text) != StatementClass::Insert || !inserts_one_row(text) {
        return None;
    }
    if reported(case, family).is_some_and(|share| share < REPORTED) {
        return None;
    }
    let calls = float(family.calls());
    let term = family.term(workload, Field::Calls)?;
    let proof = transactions.calls_in_one(case, calls, &term)?;
    if proof.value < MIN_PER_TRANSACTION.of(case) {
        return None;
    }
    let each = proof.value;
    Some(Counted {
        title: format!(
            "inserts in a loop: {} a transaction by",
            format::count(each)
        ),
        proof,
        counters: &[
            ("inserts", Field::Calls, Unit::Calls),
            ("rows", Field::Rows, Unit::Rows),
            ("execution time", Field::ExecTime, Unit::Ms),
        ],
        part: 1.0,
        weight: Weight::Workload,
        advice: batch(case, family, text, each),
    })
}

/// The share of the inserted rows that the table's statistics have; `None` where the rows are another table's.
fn reported(case: &Case<'_>, family: &Family) -> Option<f64> {
    let table = target(case, family)?.table;
    let workload = &case.workload;
    let mut tables = workload.window().tables.iter();
    let delta = tables.find(|delta| {
        let known = case.snapshot.tables.get(delta.index);
        known.is_some_and(|known| known.oid == table.oid && known.partition_key.is_none())
    })?;
    let counters = delta.counters.get();
    let members = family.members().iter();
    let rows: i64 = members
        .filter_map(|member| Some(workload.counters(*member)?.rows))
        .sum();
    ratio(
        float(counters.n_tup_ins) + float(counters.n_tup_upd),
        float(rows),
    )
}

/// The table that a family inserts into.
fn target<'c>(case: &'c Case<'_>, family: &Family) -> Option<TableRef<'c>> {
    let first = family.members().first()?;
    let mut relations = case.facts(first.statement)?.relations.iter();
    let target = relations.find(|used| used.role == Role::InsertTarget)?;
    case.catalog.named(target.resolved.as_ref()?)
}

fn batch(case: &Case<'_>, family: &Family, text: &str, each: f64) -> Recommendation {
    let calls = float(family.calls());
    let expected = format!(
        "{} statements become {}",
        format::count(calls),
        format::count(calls / each)
    );
    let words = Words {
        summary: "insert the rows of a transaction with one statement: arrays as parameters, several rows in VALUES, or COPY for thousands",
        expected: &expected,
        risk: "one row that is refused refuses all of its statement; ON CONFLICT DO UPDATE refuses the same key twice in one statement",
    };
    let mut advice = advice(Action::ChangeApplication, words);
    advice.rewrite = target(case, family).and_then(|table| {
        insert_many(text, |column| {
            let column = table.table.column(column)?;
            Some(column.type_name.clone())
        })
    });
    advice
}
