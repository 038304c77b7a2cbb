//! `unservable_predicate`: no index can serve a condition, so that a table is read whole however large it is.

use super::support::{Lookup, condition_facts, filter_facts, lookups, mend};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold, is_system,
    with_columns,
};
use crate::finding::{
    CheckId, Draft, Evidence, Formula, Impact, Location, Severity, Source, Subject, Unit, Weight,
};
use crate::plan::{ConditionKind, JoinType, Node, NodeType, Relationship, columns};
use crate::snapshot::{Area, Index};

/// Rows from which reading a whole table matters, as for a sequential scan.
pub static MIN_ROWS: Threshold<f64> = Threshold {
    key: "unservable_predicate.min_rows",
    default: 10_000.0,
    unit: Unit::Rows,
    what: "rows of a table in production, where they are known",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("unservable_predicate");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "unservable predicate",
    summary: "no index serves a statement's conditions on a table, with enable_seqscan = off either (check only)",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_ROWS],
    page: include_str!("unservable_predicate.md"),
};

/// From this version on an index is skipped through where its leading column has few values.
const SKIP_SCAN_MAJOR: u32 = 18;

/// The check.
#[derive(Debug)]
pub struct UnservablePredicate;

impl Check for UnservablePredicate {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        for plan in &case.by_index {
            let nodes = plan.plan.nodes();
            found.extend(nodes.filter_map(|node| propose(case, plan, node)));
        }
    }
}

/// How a scan reads a whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// In the order of its blocks: the planner had no other way.
    Sequential,
    /// In the order of an index that no condition narrows.
    InOrder,
    /// Once for each row of another table that is read whole.
    Driven,
    /// By an index whose first column no condition is about.
    BehindFirst,
}

impl Whole {
    const fn key(self) -> &'static str {
        match self {
            Self::Sequential | Self::InOrder | Self::Driven => "Filter",
            Self::BehindFirst => "Index Cond",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Sequential => "conditions that no index serves, sequential scans being off",
            Self::InOrder => "conditions on rows of an index that is read whole",
            Self::Driven => "conditions on rows that a whole other table leads to",
            Self::BehindFirst => "conditions that leave out the first column of the index",
        }
    }

    const fn severity(self) -> Severity {
        match self {
            Self::Sequential | Self::InOrder | Self::Driven => Severity::High,
            // The index is read whole, which is less than the table.
            Self::BehindFirst => Severity::Medium,
        }
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let schema = node.target.schema.as_deref().unwrap_or_default();
    if is_system(schema) {
        return None;
    }
    let table = case.catalog.root(plan.table(&case.catalog, node)?);
    let whole = whole(case, plan, node)?;
    let conditions = match whole {
        Whole::BehindFirst => behind(case, plan, node, table),
        _ => filter_facts(case, plan, node)
            .map(|facts| lookups(&facts, table))
            .unwrap_or_default(),
    };
    if whole != Whole::Sequential && served(case, table, &conditions) {
        return None;
    }
    let mend = mend(case, plan, table, &conditions)?;
    let name = table.table.name.to_string();
    let about = with_columns(&name, &mend.columns);
    let proof = proof(plan, node, whole);
    let place = plan
        .family
        .and_then(|family| case.workload.families().get(family));
    let draft = Draft::new(
        Subject::new(&about),
        format!("no index serves the conditions on {about}"),
        proof,
        mend.advice,
    )
    .at(Location {
        table: Some(name),
        columns: mend.columns,
        node: Some(plan.plan.label(node)),
        ..place
            .map(|family| case.location(family))
            .unwrap_or_default()
    })
    .costing(Impact {
        text: "grows with the table: each execution reads all of it".to_owned(),
        ..Impact::default()
    })
    .weighed(Weight::Exactly(whole.severity().min(mend.at_most)));
    Some(Proposal {
        families: plan.family.into_iter().collect(),
        draft,
    })
}

fn proof(plan: &CasePlan<'_>, node: &Node, whole: Whole) -> Evidence {
    let part = match whole {
        Whole::BehindFirst => part_with_index(plan, node),
        _ => node,
    };
    let pointer = plan.pointer(part, whole.key());
    let formula = Formula::count([pointer.as_str()]);
    Evidence::computed(whole.label(), 1.0, Unit::Count, Source::Explain, formula)
}

/// The part of a scan that reads the index: the scan itself, or what is below a bitmap heap scan.
fn part_with_index<'p>(plan: &'p CasePlan<'_>, node: &'p Node) -> &'p Node {
    let below = plan.plan.child(node, &Relationship::Outer);
    below
        .filter(|_| node.node_type == NodeType::BitmapHeapScan)
        .unwrap_or(node)
}

fn whole(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Whole> {
    let filtered = node.condition(&ConditionKind::Filter).is_some();
    match node.node_type {
        NodeType::SeqScan if filtered => Some(Whole::Sequential),
        NodeType::IndexScan | NodeType::IndexOnlyScan | NodeType::BitmapHeapScan => {
            by_index(case, plan, node, filtered)
        }
        _ => None,
    }
}

fn by_index(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node, filtered: bool) -> Option<Whole> {
    let lookup = part_with_index(plan, node);
    let Some(condition) = lookup.condition(&ConditionKind::IndexCond) else {
        let in_order = filtered && lookup.id == node.id && !is_partial(case, plan, node);
        return in_order.then_some(Whole::InOrder);
    };
    let alias = node.target.alias.as_deref();
    let of_others = columns(condition)
        .into_iter()
        .any(|column| column.qualifier.as_deref() != alias);
    if of_others {
        let driven = filtered && is_driven_by_whole(plan, node);
        return driven.then_some(Whole::Driven);
    }
    behind_first(case, plan, node, lookup)
}

/// Where the scan's index, named by `lookup`, does not begin with a column of the condition.
fn behind_first(case: &Case<'_>, plan: &CasePlan<'_>, scan: &Node, lookup: &Node) -> Option<Whole> {
    let condition = lookup.condition(&ConditionKind::IndexCond)?;
    let first = index(case, plan, scan, lookup)
        .filter(|index| index.method == "btree" && index.predicate.is_none())?
        .keys
        .first()?;
    let table = plan.table(&case.catalog, scan);
    let of_first = match (&first.column, &first.expression) {
        (Some(column), _) => vec![column.clone()],
        (None, Some(expression)) => plan.columns(table, scan, expression),
        (None, None) => return None,
    };
    let named = plan.columns(table, scan, condition);
    let skips = case.snapshot.server.major() >= SKIP_SCAN_MAJOR;
    let leads = named.iter().any(|column| of_first.contains(column));
    let behind = !skips && !named.is_empty() && !of_first.is_empty() && !leads;
    behind.then_some(Whole::BehindFirst)
}

/// The index that `lookup`, the scan or the part of it that reads the index, is of.
fn index<'a>(
    case: &Case<'a>,
    plan: &CasePlan<'a>,
    scan: &Node,
    lookup: &Node,
) -> Option<&'a Index> {
    let own = plan.table(&case.catalog, scan)?;
    let name = lookup.target.index.as_deref()?;
    case.catalog
        .indexes(own.table.oid)
        .find(|index| index.name.name == name)
}

/// The planner takes a partial index where the statement's conditions imply its own.
fn is_partial(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> bool {
    index(case, plan, node, node).is_none_or(|index| index.predicate.is_some())
}

/// Whether the scan runs once for each row of a table that is read whole and that no LIMIT ends early.
fn is_driven_by_whole(plan: &CasePlan<'_>, node: &Node) -> bool {
    if plan
        .plan
        .ancestors(node)
        .any(|above| above.node_type == NodeType::Limit)
    {
        return false;
    }
    let mut below = node;
    for above in plan.plan.ancestors(node) {
        if above.node_type == NodeType::NestedLoop
            && below.relationship == Some(Relationship::Inner)
        {
            // What an outer join does not find is no less part of the result: all rows of the other table are asked
            // for.
            let narrows = matches!(above.join_type, Some(JoinType::Inner | JoinType::Semi));
            let outer = plan.plan.child(above, &Relationship::Outer);
            return narrows && outer.is_some_and(|outer| reads_whole(plan, outer));
        }
        below = above;
    }
    false
}

/// Whether all that leads the way in a part of a plan is a table read whole without a condition.
fn reads_whole(plan: &CasePlan<'_>, top: &Node) -> bool {
    let mut node = top;
    while let Some(next) = plan.plan.child(node, &Relationship::Outer) {
        node = next;
    }
    let scans = matches!(
        node.node_type,
        NodeType::SeqScan | NodeType::IndexScan | NodeType::IndexOnlyScan
    );
    scans && node.conditions.is_empty()
}

/// What the index condition looks up, which the index is not made for.
fn behind(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node, table: TableRef<'_>) -> Vec<Lookup> {
    let condition = part_with_index(plan, node).condition(&ConditionKind::IndexCond);
    let facts = condition.and_then(|condition| condition_facts(case, plan, node, condition));
    facts
        .map(|facts| lookups(&facts, table))
        .unwrap_or_default()
}

/// Whether some index of the table begins with a column that a condition looks up: on a small table the planner may
/// have taken another all the same.
fn served(case: &Case<'_>, table: TableRef<'_>, conditions: &[Lookup]) -> bool {
    let plain: Vec<_> = case
        .catalog
        .indexes(table.table.oid)
        .filter(|index| index.valid && index.predicate.is_none())
        .filter_map(|index| index.keys.first())
        .collect();
    conditions
        .iter()
        .filter(|lookup| lookup.arm.is_none())
        .any(|lookup| plain.iter().any(|key| lookup.begins(key)))
}
