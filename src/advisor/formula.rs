//! What a statement would cost with an index, where the planner cannot be asked: the planner's own arithmetic over the
//! statistics.
//!
//! Simplified from `src/backend/optimizer/path/costsize.c` (`cost_seqscan`, `cost_index`, `cost_bitmap_heap_scan`,
//! `index_pages_fetched`) and `src/backend/utils/adt/selfuncs.c` (`btcostestimate`). It serves only where something
//! shows that the table is really read as a whole: a Seq Scan in a plan of the statement, or blocks a call.

use crate::checks::workload::Field;
use crate::checks::{Case, CasePlan, TableRef};
use crate::finding::Source;
use crate::plan::{ConditionKind, Node, NodeType};
use crate::snapshot::Snapshot;
use crate::sql::facts::{
    Comparison, Elements, Facts, Operand, Predicate, RelationUse, Test, Value,
};
use crate::units::float;

use super::candidates::{Candidate, CandidateKey};
use super::size;
use crate::finding::Term;

/// `DEFAULT_INEQ_SEL` (`selfuncs.h`): one bound.
const ONE_BOUND: f64 = 1.0 / 3.0;
/// `DEFAULT_RANGE_INEQ_SEL` (`selfuncs.h`): two bounds.
const TWO_BOUNDS: f64 = 0.005;
/// `DEFAULT_MATCH_SEL` (`selfuncs.h`): a pattern.
const PATTERN: f64 = 0.005;
/// `selfuncs.c`, `btcostestimate`: what the first column's correlation is worth for an index of several.
const SEVERAL_COLUMNS: f64 = 0.75;
/// `DEFAULT_PAGE_CPU_MULTIPLIER` (`selfuncs.h`).
const PAGE_CPU: f64 = 50.0;

/// A call that touches so much of a table's blocks reads the table as a whole: index scans that touch half of the
/// blocks are not worth their price either.
pub const WHOLE_TABLE: f64 = 0.5;

/// The planner's cost constants (`config.sgml`, "Planner Cost Constants").
#[derive(Debug, Clone, Copy)]
struct Costs {
    seq_page: f64,
    random_page: f64,
    tuple: f64,
    index_tuple: f64,
    operator: f64,
}

impl Costs {
    fn of(snapshot: &Snapshot) -> Self {
        let setting = |name: &str, default: f64| {
            let setting = snapshot.settings.get(name);
            setting
                .and_then(|setting| setting.value.parse().ok())
                .filter(|value: &f64| value.is_finite() && *value > 0.0)
                .unwrap_or(default)
        };
        Self {
            seq_page: setting("seq_page_cost", 1.0),
            random_page: setting("random_page_cost", 4.0),
            tuple: setting("cpu_tuple_cost", 0.01),
            index_tuple: setting("cpu_index_tuple_cost", 0.005),
            operator: setting("cpu_operator_cost", 0.0025),
        }
    }
}

/// How a statement reads a table now.
#[derive(Debug, Clone)]
pub struct Present {
    /// The statement's cost.
    pub statement: Term,
    /// What the statement's cost stands on.
    pub source: Source,
    /// The part of it that reads the table.
    pub scan: Term,
    /// How often.
    pub loops: f64,
    /// Rows that one reading keeps, and the columns of its filter, where a plan tells.
    kept: Option<(Term, Vec<String>)>,
}

/// A statement's cost with an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// As things are.
    pub before: Term,
    /// What that stands on.
    pub source: Source,
    /// With the index.
    pub after: Term,
}

impl Estimate {
    /// The share of the cost that is saved, 0..1.
    pub fn saved(&self) -> f64 {
        crate::units::ratio(self.before.value - self.after.value, self.before.value)
            .map_or(0.0, |share| share.clamp(0.0, 1.0))
    }
}

/// How the family's statements read the table, where it is read as a whole; the best proof first: an executed plan, a
/// plan, blocks.
pub fn present(case: &Case<'_>, family: usize, table: TableRef<'_>) -> Option<Present> {
    let mut planned = false;
    for plan in case.plans_of(family) {
        planned = true;
        if let Some(present) = in_plan(case, plan, table) {
            return Some(present);
        }
    }
    // A plan that does not read it as a whole is the better witness.
    if planned {
        return None;
    }
    in_counters(case, family, table)
}

fn in_plan(case: &Case<'_>, plan: &CasePlan<'_>, table: TableRef<'_>) -> Option<Present> {
    let mut scans: Vec<(&Node, f64)> = plan
        .plan
        .nodes()
        .filter(|node| node.node_type == NodeType::SeqScan)
        .filter(|node| node.condition(&ConditionKind::Filter).is_some())
        .filter(|node| {
            let scanned = plan.table(&case.catalog, node);
            scanned.is_some_and(|scanned| {
                case.catalog.root(scanned).table.oid == table.table.oid
                    || scanned.table.oid == table.table.oid
            })
        })
        .filter_map(|node| {
            let cost = node.planned.as_ref()?.total_cost.get();
            Some((node, cost * plan.metrics_of(node).loops_per_process()))
        })
        .collect();
    scans.sort_by(|one, other| other.1.total_cmp(&one.1));
    let (node, _) = scans.first()?;
    let root = plan.plan.root();
    let statement = root.planned.as_ref()?.total_cost.get();
    // The cost of a forbidden node is mostly no work.
    if plan.plan.cost_of_work()? < statement {
        return None;
    }
    let statement = Term::read(statement, &plan.pointer(root, "Total Cost"));
    let loops = if plan.is_analyzed() && !plan.under_gather(node) {
        node.actual.map_or(1.0, |actual| actual.loops.get())
    } else {
        1.0
    }
    .max(1.0);
    let scan = scans
        .iter()
        .filter_map(|(node, _)| {
            let cost = node.planned.as_ref()?.total_cost.get();
            Some(Term::read(cost, &plan.pointer(node, "Total Cost")))
        })
        .reduce(|sum, cost| sum.plus(&cost))?
        .times(&Term::number(loops));
    let filter = node.condition(&ConditionKind::Filter).unwrap_or_default();
    let columns = plan.columns(Some(table), node, filter);
    Some(Present {
        // What the plan's root says can be less than its scans: a Limit stops them.
        scan: scan.min(&statement),
        statement,
        source: plan.source(),
        loops,
        kept: kept(plan, &scans).map(|kept| (kept, columns)),
    })
}

/// Rows that one reading of the table keeps: measured, else the planner's.
fn kept(plan: &CasePlan<'_>, scans: &[(&Node, f64)]) -> Option<Term> {
    scans
        .iter()
        .map(|(node, _)| {
            if plan.is_analyzed() {
                let average = node.actual?.rows.per_loop().get();
                let rows = Term::read(average, &plan.pointer(node, "Actual Rows"));
                if !plan.under_gather(node) {
                    return Some(rows);
                }
                let loops = node.actual?.loops.get();
                return Some(rows.times(&Term::read(loops, &plan.pointer(node, "Actual Loops"))));
            }
            let rows = node.planned.as_ref()?.rows.per_loop().get();
            Some(Term::read(rows, &plan.pointer(node, "Plan Rows")))
        })
        .try_fold(None::<Term>, |sum, rows| {
            let rows = rows?;
            Some(Some(
                sum.map_or_else(|| rows.clone(), |sum| sum.plus(&rows)),
            ))
        })?
}

impl CasePlan<'_> {
    /// Whether parallel workers share the node's work.
    fn under_gather(&self, node: &Node) -> bool {
        node.parallel_aware && self.plan.gather_of(node).is_some()
    }
}

fn in_counters(case: &Case<'_>, family: usize, table: TableRef<'_>) -> Option<Present> {
    let of_family = case.workload.families().get(family)?;
    let sum = |field| of_family.sum(&case.workload, field);
    let calls = sum(Field::Calls).filter(|calls| *calls > 0.0)?;
    let blocks = sum(Field::SharedHit)? + sum(Field::SharedRead)?;
    let pages = pages(case, table)?;
    if blocks / calls < WHOLE_TABLE * pages.value {
        return None;
    }
    // Blocks are counted for a statement: of several relations nothing tells which one they belong to.
    let statement = of_family.members().first()?.statement;
    if case.glance(statement, |facts| facts.relations.len())? > 1 {
        return None;
    }
    let costs = Costs::of(case.snapshot);
    let rows = rows(case, table)?;
    let scan = pages
        .times(&Term::number(costs.seq_page))
        .plus(&rows.times(&Term::number(costs.tuple + costs.operator)));
    Some(Present {
        statement: scan.clone(),
        source: Source::Formula,
        scan,
        loops: 1.0,
        kept: None,
    })
}

/// The planner's row count: of a partitioned table, its leaves'.
pub fn rows(case: &Case<'_>, table: TableRef<'_>) -> Option<Term> {
    sum(case, table, |leaf| {
        let tuples = leaf.table.tuples?.get();
        Some(Term::read(tuples, &leaf.pointer("/tuples")))
    })
}

/// Blocks of a table: of a partitioned one, its leaves'.
pub fn pages(case: &Case<'_>, table: TableRef<'_>) -> Option<Term> {
    sum(case, table, |leaf| {
        let pages = float(leaf.table.pages.get());
        Some(Term::read(pages, &leaf.pointer("/pages")))
    })
    .filter(|pages| pages.value > 0.0)
}

fn sum(
    case: &Case<'_>,
    table: TableRef<'_>,
    read: impl Fn(TableRef<'_>) -> Option<Term>,
) -> Option<Term> {
    let leaves = case.catalog.leaves(table);
    let terms = leaves.into_iter().filter_map(read);
    terms.reduce(|sum, term| sum.plus(&term))
}

/// What a scan does with the rows that it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// The share that it keeps, 0..1.
    pub share: f64,
    /// Whether an index finds them already, and the share is of what that index finds.
    pub by_index: bool,
}

/// What the calls' scan of a table keeps, where it searches by all of these columns, as an executed plan tells.
pub fn kept_of(
    case: &Case<'_>,
    family: usize,
    table: TableRef<'_>,
    columns: &[String],
) -> Option<Kept> {
    let plan = case.plans_of(family).into_iter().next()?;
    let scan = plan.plan.nodes().find(|node| {
        let scanned = plan.table(&case.catalog, node);
        let scans = node.condition(&ConditionKind::Filter).is_some();
        scans && scanned.is_some_and(|scanned| case.catalog.root(scanned).place == table.place)
    })?;
    let mut searched: Vec<String> = Vec::new();
    let below = plan.plan.children(scan);
    for node in std::iter::once(scan).chain(below) {
        for kind in [
            ConditionKind::Filter,
            ConditionKind::IndexCond,
            ConditionKind::RecheckCond,
        ] {
            let condition = node.condition(&kind);
            searched.extend(
                condition.map_or_else(Vec::new, |text| plan.columns(Some(table), scan, text)),
            );
        }
    }
    let metrics = plan.metrics_of(scan);
    let (kept, removed) = (metrics.kept.get(), metrics.removed.filter?.get());
    let all = columns.iter().all(|column| searched.contains(column));
    let share = crate::units::ratio(kept, kept + removed)?;
    (all && plan.is_analyzed()).then_some(Kept {
        share,
        by_index: scan.node_type != NodeType::SeqScan,
    })
}

/// The statement's cost with the candidate; `None` where statistics do not tell how many rows it would find.
pub fn estimate(
    case: &Case<'_>,
    (facts, relation): (&Facts, usize),
    (table, candidate): (TableRef<'_>, &Candidate),
    present: &Present,
) -> Option<Estimate> {
    let rows = rows(case, table).filter(|rows| rows.value >= 1.0)?;
    let pages = pages(case, table)?;
    let found = found((facts, relation), (table, candidate), present, &rows)?;
    let scan = index_scan(case, table, candidate, (&rows, &pages, &found))?;
    let scan = scan.times(&Term::number(present.loops)).min(&present.scan);
    let after = present.statement.minus(&present.scan).plus(&scan);
    Some(Estimate {
        before: present.statement.clone(),
        source: present.source,
        after,
    })
}

/// Rows that the index finds: those that the plan's filter keeps, where the index has all of its columns, else by the
/// columns' statistics.
fn found(
    (facts, relation): (&Facts, usize),
    (table, candidate): (TableRef<'_>, &Candidate),
    present: &Present,
    rows: &Term,
) -> Option<Term> {
    let columns = candidate.columns();
    let used = facts.relations.get(relation)?;
    if columns.iter().any(|column| only_in_arms(used, column)) {
        return None;
    }
    if let Some((kept, filtered)) = &present.kept {
        let useful = candidate.equal + usize::from(candidate.bounded);
        let searched = columns.get(..useful)?;
        // What it would be searched by must be what the scan filters by: else the scan's rows come from elsewhere.
        if searched.is_empty() || !searched.iter().all(|column| filtered.contains(column)) {
            return None;
        }
        if filtered.iter().all(|column| searched.contains(column)) {
            return Some(kept.max(&Term::number(1.0)));
        }
    }
    if present.kept.is_none() && !compared(used, columns.iter().take(candidate.equal)) {
        return None;
    }
    let equal = candidate.keys.get(..candidate.equal)?;
    let mut share = equal_shares(table, equal, used, rows)?;
    if candidate.bounded {
        let key = candidate.keys.get(candidate.equal)?;
        share = share.times(&bounded_share(&used.predicates, &key.column));
    } else if candidate.equal == 0 {
        return None;
    }
    Some(rows.times(&share).max(&Term::number(1.0)))
}

/// Whether a column is compared in arms of `OR` alone: an index on it finds some of the rows only.
fn only_in_arms(used: &RelationUse, column: &str) -> bool {
    let of_column = used.predicates.iter().filter(
        |predicate| matches!(&predicate.operand, Operand::Column(known) if known == column),
    );
    let (in_arms, at_top): (Vec<_>, Vec<_>) =
        of_column.partition(|predicate| !predicate.arms.is_empty());
    !in_arms.is_empty() && at_top.is_empty()
}

/// Whether each column is compared with something that is known before the table is read: no other relation's column,
/// no arm of an `OR`.
fn compared<'c>(used: &RelationUse, mut columns: impl Iterator<Item = &'c String>) -> bool {
    columns.all(|column| {
        used.predicates.iter().any(|predicate| {
            let outer = matches!(&predicate.test, Test::Equal(Value::Outer { .. }));
            let own = matches!(&predicate.operand, Operand::Column(known) if known == column);
            own && !outer && predicate.arms.is_empty()
        })
    })
}

/// The share of rows with one value of each column, as if they were independent.
pub fn equal_shares(
    table: TableRef<'_>,
    keys: &[CandidateKey],
    used: &RelationUse,
    rows: &Term,
) -> Option<Term> {
    keys.iter().try_fold(Term::number(1.0), |share, key| {
        let conditions = used.predicates.iter().filter(|predicate| {
            predicate.arms.is_empty()
                && matches!(&predicate.operand, Operand::Column(column) if *column == key.column)
        });
        Some(share.times(&equal_share(table, &key.column, conditions, rows)?))
    })
}

/// The share of rows with one value of a column: `(1 − null_frac) / n_distinct` (`selfuncs.c`, `var_eq_non_const`).
fn equal_share<'p>(
    table: TableRef<'_>,
    column: &str,
    conditions: impl Iterator<Item = &'p Predicate>,
    rows: &Term,
) -> Option<Term> {
    let place = table
        .table
        .columns
        .iter()
        .position(|known| known.name == column)?;
    let statistics = table.table.columns.get(place)?.statistics.as_ref()?;
    let at = |name: &str| table.pointer(&format!("/columns/{place}/statistics/{name}"));
    let nulls = Term::read(statistics.null_frac, &at("null_frac"));
    let count = Term::read(statistics.n_distinct, &at("n_distinct"));
    let distinct = match statistics.n_distinct {
        share if share < 0.0 => Term::number(0.0).minus(&count).times(rows),
        known if known > 0.0 => count,
        _ => return None,
    };
    let one = Term::number(1.0)
        .minus(&nulls)
        .over(&distinct.max(&Term::number(1.0)));
    let mut share = one.clone();
    for condition in conditions {
        share = match &condition.test {
            Test::IsNull => nulls.clone(),
            Test::In(Elements::List(values)) => {
                let many = i64::try_from(values.len()).map_or(1.0, float);
                one.times(&Term::number(many)).min(&Term::number(1.0))
            }
            // `estimate_array_length` (`selfuncs.c`): an array of unknown length has ten elements.
            Test::In(Elements::Array(_)) => one.times(&Term::number(10.0)).min(&Term::number(1.0)),
            _ => share,
        };
    }
    Some(share)
}

fn bounded_share(predicates: &[Predicate], column: &str) -> Term {
    let of_column = predicates.iter().filter(|predicate| {
        predicate.operand.columns().first().map(String::as_str) == Some(column)
    });
    let (mut lower, mut upper, mut pattern) = (false, false, false);
    for predicate in of_column {
        match &predicate.test {
            Test::Range { operator, .. } | Test::Row { operator, .. } => match operator {
                Comparison::Less | Comparison::LessOrEqual => upper = true,
                Comparison::Greater | Comparison::GreaterOrEqual => lower = true,
            },
            Test::LikePrefix { .. } => pattern = true,
            _ => {}
        }
    }
    Term::number(match (lower, upper, pattern) {
        (_, _, true) => PATTERN,
        (true, true, _) => TWO_BOUNDS,
        _ => ONE_BOUND,
    })
}

/// One index or bitmap scan that finds `found` rows: the cheaper one.
pub fn index_scan(
    case: &Case<'_>,
    table: TableRef<'_>,
    candidate: &Candidate,
    (rows, pages, found): (&Term, &Term, &Term),
) -> Option<Term> {
    let costs = Costs::of(case.snapshot);
    let snapshot = case.snapshot;
    let size = size::btree(
        table.table,
        &candidate.columns(),
        rows.value,
        snapshot.server.block_size,
        snapshot.server.major(),
    )?;
    let number = Term::number;
    let block = float(snapshot.server.block_size.get()).max(1.0);
    let index_pages = number(float(size.get()) / block);
    let leaves = index_pages.times(found).over(rows).max(&number(1.0));
    // `btcostestimate`: comparisons down the tree, and the processor's share of each level's page.
    let height = (index_pages.value.max(1.0).ln() / 300.0_f64.ln()).floor() + 1.0;
    let descent =
        rows.value.max(2.0).log2().ceil() * costs.operator + height * PAGE_CPU * costs.operator;
    let index = number(descent)
        .plus(&leaves.times(&number(costs.random_page)))
        .plus(&found.times(&number(costs.index_tuple + costs.operator)));
    let two = number(2.0);
    // Mackert and Lohman, as in `index_pages_fetched`, for a table that fits into the cache.
    let fetched = two
        .times(pages)
        .times(found)
        .over(&two.times(pages).plus(found))
        .min(pages);
    let random = fetched.times(&number(costs.random_page));
    let sequential = number(costs.random_page)
        .plus(&pages.times(found).over(rows).times(&number(costs.seq_page)));
    let correlation = correlation(table, candidate);
    let straight = number(correlation * correlation);
    let ordered = straight.times(&sequential.min(&random));
    let scattered = number(1.0).minus(&straight).times(&random);
    let scan = ordered.plus(&scattered);
    let cheaper = number(costs.random_page - costs.seq_page).times(&fetched.over(pages).sqrt());
    let bitmap = fetched.times(&number(costs.random_page).minus(&cheaper));
    let heap = scan.min(&bitmap);
    let processor = found.times(&number(costs.tuple));
    Some(index.plus(&heap).plus(&processor))
}

fn correlation(table: TableRef<'_>, candidate: &Candidate) -> f64 {
    let first = candidate.keys.first();
    let column = first.and_then(|key| table.table.column(&key.column));
    let statistics = column.and_then(|column| column.statistics.as_ref());
    let correlation = statistics
        .and_then(|known| known.correlation)
        .unwrap_or_default();
    if candidate.keys.len() > 1 {
        correlation * SEVERAL_COLUMNS
    } else {
        correlation
    }
}
