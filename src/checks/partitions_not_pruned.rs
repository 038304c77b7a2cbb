//! `partitions_not_pruned`: a statement looks into partitions that cannot hold what it wants.

use super::support::{Dress, Words, advice, conditions, dress, each_node, subject};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold, implicit_cast,
    non_sargable_predicate, seq_scan_selective, with_columns,
};
use crate::finding::{Action, Cause, CheckId, Draft, Location, Recommendation, Subject, Unit};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::{ConditionKind, Node, NodeType, Relationship};
use crate::snapshot::Area;
use crate::units::{float, ratio};

static MIN_MEMBERS: Threshold<f64> = Threshold {
    key: "partitions_not_pruned.min_partitions",
    default: 8.0,
    unit: Unit::Count,
    what: "partitions that are read",
};

static MIN_EMPTY: Threshold<f64> = Threshold {
    key: "partitions_not_pruned.min_empty_share",
    default: 0.75,
    unit: Unit::Ratio,
    what: "share of them in which nothing is found",
};

/// The check's id.
pub const ID: CheckId = CheckId::new("partitions_not_pruned");

static META: CheckMeta = CheckMeta {
    id: ID,
    title: "partitions not pruned",
    summary: "8 partitions or more are read, 75 % of them in vain, and none was left out",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_MEMBERS, &MIN_EMPTY],
    page: include_str!("partitions_not_pruned.md"),
};

/// The check.
#[derive(Debug)]
pub struct PartitionsNotPruned;

impl Check for PartitionsNotPruned {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn always_explains(&self) -> &'static [CheckId] {
        &[seq_scan_selective::ID]
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, node: &Node) -> Option<Proposal> {
    let appends = matches!(node.node_type, NodeType::Append | NodeType::MergeAppend);
    let pruned = node.subplans_removed.is_some_and(|removed| removed > 0);
    if !appends || pruned || !plan.is_analyzed() {
        return None;
    }
    let ran: Vec<&Node> = members(plan, node)
        .filter(|member| member.executed())
        .collect();
    let scans: Vec<&Node> = ran.iter().filter_map(|member| scan(plan, member)).collect();
    if scans.len() < ran.len() || count(ran.len()) < MIN_MEMBERS.of(case) {
        return None;
    }
    let parent = parent(case, plan, &scans)?;
    let empty: Vec<&Node> = ran
        .iter()
        .zip(&scans)
        .filter(|(member, scan)| plan.metrics_of(member).kept.get() <= 0.0 && is_filtered(scan))
        .map(|(member, _)| *member)
        .collect();
    let (all, in_vain) = (count(ran.len()), count(empty.len()));
    let share = ratio(in_vain, all)?;
    if share < MIN_EMPTY.of(case) {
        return None;
    }
    let title = format!(
        "partitions not pruned: {} of {} partitions of {} hold nothing that is asked for",
        format::count(in_vain),
        format::count(all),
        parent.name
    );
    let sum = |terms: Vec<String>| format!("sum({})", terms.join(", "));
    let once = |member: &&Node| format!("min(1, {})", plan.term(member, "Actual Loops"));
    let missed = |member: &&Node| format!("1 - {}", plan.term(member, "Actual Rows"));
    let read = sum(ran.iter().map(once).collect());
    let nothing = sum(empty.iter().map(missed).collect());
    let draft = Draft::new(
        parent.subject,
        title,
        plan.computed("partitions read", all, Unit::Count, read),
        bare_key(&parent.name, parent.key.as_deref()),
    )
    .with(plan.computed(
        "of them without a row that is asked for",
        in_vain,
        Unit::Count,
        nothing,
    ))
    .at(parent.location)
    .following(scans.first().and_then(|scan| hidden_key(case, plan, scan)));
    let wasted: f64 = empty.iter().map(|member| plan.share_within(member)).sum();
    Some(case.of_node(plan, node, wasted.min(1.0), draft))
}

/// The finding about a partitioned table whose scan is filtered by a key that is wrapped or cast, where there is one:
/// the planner guesses at what such a filter keeps.
pub fn by_hidden_key(case: &Case<'_>, plan: &CasePlan<'_>, scan: &Node) -> Option<Cause> {
    hidden_key(case, plan, scan)?;
    let root = case.catalog.root(plan.table(&case.catalog, scan)?);
    Some(Cause {
        check: ID,
        subject: Subject::new(root.table.name.to_string()),
    })
}

/// That the partition key is there, but wrapped or cast, so that nothing can be pruned by it.
fn hidden_key(case: &Case<'_>, plan: &CasePlan<'_>, scan: &Node) -> Option<Cause> {
    let table = plan.table(&case.catalog, scan)?;
    let root = case.catalog.root(table);
    let key = root.table.partition_key.as_deref()?;
    conditions(case, plan, scan).iter().find_map(|predicate| {
        let (check, column) = match dress(Some(root), &predicate.operand)? {
            Dress::Wrapped { column, .. } => (non_sargable_predicate::ID, column),
            Dress::Cast { column, .. } => (implicit_cast::ID, column),
            Dress::Bare { .. } => return None,
        };
        mentions(key, column).then(|| Cause {
            check,
            subject: Subject::new(with_columns(
                &root.table.name.to_string(),
                &[column.to_owned()],
            )),
        })
    })
}

/// Whether a partition key such as `RANGE (day, region)` is of that column.
fn mentions(key: &str, column: &str) -> bool {
    let quoted = quote_ident(column);
    let mut words = key.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','));
    words.any(|word| word == quoted)
}

fn members<'p>(plan: &'p CasePlan<'_>, append: &'p Node) -> impl Iterator<Item = &'p Node> {
    let children = plan.plan.children(append);
    children.filter(|child| child.relationship == Some(Relationship::Member))
}

/// The scan of a relation in a member.
fn scan<'p>(plan: &'p CasePlan<'_>, member: &'p Node) -> Option<&'p Node> {
    let mut below = plan.plan.subtree(member);
    below.find(|node| node.target.relation.is_some())
}

/// Without a condition there is nothing to prune by.
fn is_filtered(scan: &Node) -> bool {
    let kinds = [
        ConditionKind::Filter,
        ConditionKind::IndexCond,
        ConditionKind::RecheckCond,
    ];
    kinds.iter().any(|kind| scan.condition(kind).is_some())
}

/// The partitioned table.
struct Parent {
    name: String,
    key: Option<String>,
    subject: Subject,
    location: Location,
}

/// The table whose partitions all scans read; `None` where they read others, as a UNION does.
fn parent(case: &Case<'_>, plan: &CasePlan<'_>, scans: &[&Node]) -> Option<Parent> {
    let tables: Option<Vec<_>> = scans
        .iter()
        .map(|scan| plan.table(&case.catalog, scan))
        .collect();
    let Some(tables) = tables else {
        return by_alias(case, plan, scans);
    };
    let root = case.catalog.root(*tables.first()?);
    let same = tables.iter().all(|table| {
        table.table.parent.is_some() && case.catalog.root(*table).table.oid == root.table.oid
    });
    same.then(|| Parent {
        name: root.table.name.to_string(),
        key: root.table.partition_key.clone(),
        subject: Subject::new(root.table.name.to_string()),
        location: Location {
            table: Some(root.table.name.to_string()),
            ..Location::default()
        },
    })
}

/// The same without a catalog: the planner numbers the aliases of partitions (ruleutils.c, `set_rtable_names()`).
fn by_alias(case: &Case<'_>, plan: &CasePlan<'_>, scans: &[&Node]) -> Option<Parent> {
    let base = |scan: &&Node| {
        let (base, number) = scan.target.alias.as_deref()?.rsplit_once('_')?;
        number.parse::<u32>().ok().map(|_| base.to_owned())
    };
    let name = base(scans.first()?)?;
    let same = scans.iter().all(|scan| base(scan).as_ref() == Some(&name));
    same.then(|| Parent {
        subject: subject(&format!("{name} in {}", case.shape(plan))),
        name,
        key: None,
        location: Location::default(),
    })
}

fn count(nodes: usize) -> f64 {
    i64::try_from(nodes).map_or(f64::INFINITY, float)
}

fn bare_key(name: &str, key: Option<&str>) -> Recommendation {
    let key = key.map_or_else(
        || "its partition key".to_owned(),
        |key| format!("its partition key ({key})"),
    );
    let summary = format!(
        "compare {key} of {name} with a value, bare and of its own type, in this statement; where it is wrapped in a function or cast, take that off"
    );
    let words = Words {
        summary: &summary,
        expected: "reads the partitions that can hold the rows",
        risk: "none where the condition on the key follows from the others; else it changes the result",
    };
    advice(Action::RewriteQuery, words)
}
