//! `n_plus_one`: one statement returns rows, and another one runs once for each of them.

mod advice;
mod cursors;
mod fit;
mod groups;
mod library;
mod logged;
mod measured;
mod nnls;
mod pairs;
mod ties;

use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Unseen};
use crate::finding::{CheckId, Draft, Impact, Location, Subject, Unit};
use crate::format;
use crate::ids::QueryId;
use crate::snapshot::Area;
use crate::units::{float, ratio};

use super::workload::Field;
pub use groups::keys;
use groups::{Group, MOST_READ, groups, left_out};
use measured::Proof;
use pairs::{Pair, pairs};
use ties::{Basis, Tie};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("n_plus_one"),
    title: "N+1 loop",
    summary: "a look-up runs about once for each row that another statement returns",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts, Area::ForeignKeys],
    thresholds: &[&pairs::MIN_CALLS],
    page: include_str!("n_plus_one.md"),
};

/// The check.
#[derive(Debug)]
pub struct NPlusOne;

impl Check for NPlusOne {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Loop
    }

    fn unseen(&self, case: &Case<'_>) -> Vec<Unseen> {
        let left_out = left_out(case);
        let unseen = (left_out > 0).then(|| Unseen {
            reason: format!(
                "{left_out} statements were left out, each with fewer calls and fewer rows than {MOST_READ} others"
            ),
            remedy: None,
            limits: false,
        });
        unseen.into_iter().chain(case.unlogged()).collect()
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let groups = groups(case);
        let pairs = pairs(case, &groups);
        let counted = pairs.iter().filter_map(|pair| propose(case, &groups, pair));
        found.extend(logged::join(case, counted.collect()));
    }
}

fn propose(case: &Case<'_>, groups: &[Group], pair: &Pair) -> Option<Proposal> {
    let child = groups.get(pair.child)?;
    let parents: Vec<&Group> = pair
        .parents
        .iter()
        .filter_map(|parent| groups.get(*parent))
        .collect();
    let tie = &pair.tie;
    let (child_table, parent_table) = (tie.child_name(case), tie.parent_name(case));
    let looked_up = super::with_columns(&child_table, &tie.child_columns);
    let subject = Subject::new(format!(
        "{looked_up} for each of {parent_table} #{}",
        child.short_id(case)
    ));
    let fetched = tie.fetched_name(case, child.facts(case)?);
    let title = title(fetched.as_deref(), &looked_up, &parent_table);
    let counted = evidence::calls_per_row(case, child, &parents, tie)?;
    let measured = pair.proof.iter().flat_map(Proof::evidence);
    let mut proofs = measured.chain([counted]);
    let draft = Draft::new(
        subject,
        title,
        proofs.next()?,
        advice::recommendation(case, groups, pair)?,
    )
    .with_all(proofs)
    .with_all(evidence::more(case, child, &parents));
    let draft = draft
        .at(location(case, child, &parents, &child_table, tie))
        .costing(impact(case, child, pair));
    Some(Proposal {
        families: vec![child.family],
        draft,
    })
}

/// `fetched` is the table that a look-up joins its way to from what it is entered by.
fn title(fetched: Option<&str>, looked_up: &str, parent: &str) -> String {
    match fetched {
        Some(fetched) => format!("N+1 loop: {fetched} by {looked_up} for each row of {parent}"),
        None => format!("N+1 loop: {looked_up} for each row of {parent}"),
    }
}

fn location(
    case: &Case<'_>,
    child: &Group,
    parents: &[&Group],
    table: &str,
    tie: &Tie,
) -> Location {
    let mut queryids: Vec<QueryId> = Vec::new();
    for group in std::iter::once(child).chain(parents.iter().copied()) {
        for queryid in group.queryids(case) {
            if !queryids.contains(&queryid) {
                queryids.push(queryid);
            }
        }
    }
    Location {
        table: Some(table.to_owned()),
        columns: tie.child_columns.clone(),
        queryids,
        query: Some(child.text(case).to_owned()),
        ..Location::default()
    }
}

fn impact(case: &Case<'_>, child: &Group, pair: &Pair) -> Impact {
    let mean = ratio(child.time.get(), child.calls).map(crate::units::Millis);
    let each = mean
        .map(|mean| format!(", {} each", format::duration(mean)))
        .unwrap_or_default();
    let a_call = ratio(child.calls, pair.root_calls)
        .map(|each| format!(": {} for each run of the loop", format::count(each.round())))
        .unwrap_or_default();
    Impact {
        text: format!(
            "{} round trips{each} and the network between, {} too many{a_call}",
            format::count(child.calls),
            format::count(pair.saved(child)),
        ),
        time_ms: Some(child.time),
        share: case.workload.share(child.time),
        calls: Some(child.counted_calls),
    }
}

mod evidence {
    use super::{Basis, Case, Field, Group, Tie, Unit, float, ratio};
    use crate::finding::{Evidence, Formula, Source};

    /// The proof: how many look-ups there are for each row. Counted where a foreign key ties the two, else inferred
    /// from the columns' names.
    pub(super) fn calls_per_row(
        case: &Case<'_>,
        child: &Group,
        parents: &[&Group],
        tie: &Tie,
    ) -> Option<Evidence> {
        let workload = &case.workload;
        let calls = workload.term_of(&child.members, Field::Calls)?;
        let rows = all(case, parents, Field::Rows)?;
        let value = ratio(child.calls, parents.iter().map(|parent| parent.rows).sum())?;
        let source = if tie.basis == Basis::Declared {
            Source::PgStatStatements
        } else {
            Source::Formula
        };
        Some(Evidence::computed(
            "look-ups per row of the parent statement",
            value,
            Unit::Factor,
            source,
            Formula::new(format!("{calls} / {rows}")),
        ))
    }

    fn all(case: &Case<'_>, groups: &[&Group], field: Field) -> Option<String> {
        let terms: Option<Vec<String>> = groups
            .iter()
            .map(|group| case.workload.term_of(&group.members, field))
            .collect();
        Formula::sum_of(&terms?)
    }

    /// What stands beside the proof.
    pub(super) fn more(case: &Case<'_>, child: &Group, parents: &[&Group]) -> Vec<Evidence> {
        let workload = &case.workload;
        let sum = |groups: &[&Group], field: Field| -> Option<(f64, String)> {
            let value = groups.iter().map(|group| group.value(case, field)).sum();
            Some((value, all(case, groups, field)?))
        };
        let counted = |label: &str, groups: &[&Group], field: Field, unit: Unit| {
            let (value, term) = sum(groups, field)?;
            Some(workload.counted(label, value, unit, term))
        };
        // What runs for its own rows, too, is not what begins the loop.
        let roots = parents.iter().copied();
        let roots: Vec<&Group> = roots.filter(|parent| parent.first != child.first).collect();
        let child = [child];
        let loops = || {
            let (calls, calls_term) = sum(&child, Field::Calls)?;
            let (parents, parents_term) = sum(&roots, Field::Calls)?;
            let formula = format!("{calls_term} / {parents_term}");
            let value = ratio(calls, parents)?;
            let label = "look-ups per call of the parent statement";
            Some(workload.counted(label, value, Unit::Factor, formula))
        };
        let network = || {
            let trip = case.snapshot.server.round_trip_ms?;
            let (calls, calls_term) = sum(&child, Field::Calls)?;
            Some(Evidence::computed(
                "network time of the look-ups, by a round trip as measured",
                calls * trip.get(),
                Unit::Ms,
                Source::Formula,
                Formula::new(format!("{calls_term} * {{/server/round_trip_ms}}")),
            ))
        };
        [
            counted("look-ups", &child, Field::Calls, Unit::Calls),
            counted(
                "rows of the parent statement",
                parents,
                Field::Rows,
                Unit::Rows,
            ),
            counted(
                "calls of the parent statement",
                &roots,
                Field::Calls,
                Unit::Calls,
            ),
            loops(),
            counted(
                "execution time of the look-ups",
                &child,
                Field::ExecTime,
                Unit::Ms,
            ),
            network(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    impl Group {
        /// A counter's sum over the group.
        fn value(&self, case: &Case<'_>, field: Field) -> f64 {
            match field {
                Field::Calls => self.calls,
                Field::Rows => self.rows,
                _ => self
                    .members
                    .iter()
                    .filter_map(|member| field.read(case.workload.counters(*member)?))
                    .fold(float(0), |sum, value| sum + value),
            }
        }
    }
}
