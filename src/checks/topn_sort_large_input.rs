//! `topn_sort_large_input`: all rows are read and compared to return the first few.

use super::support::{Told, Words, advice, subject};
use super::{
    Case, CasePlan, Category, Check, CheckMeta, Proposal, TableRef, Threshold, deep_offset,
};
use crate::finding::{
    Action, Cause, CheckId, Draft, Evidence, Location, Recommendation, Subject, Unit,
};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::{ColumnRef, Node, NodeType, columns};
use crate::snapshot::Area;

static MIN_INPUT: Threshold<f64> = Threshold {
    key: "topn_sort_large_input.min_rows_sorted",
    default: 50_000.0,
    unit: Unit::Rows,
    what: "rows that are sorted",
};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "topn_sort_large_input.min_factor",
    default: 100.0,
    unit: Unit::Factor,
    what: "rows sorted for each one returned",
};

/// A sort that keeps the first rows only (tuplesort.c, `tuplesort_method_name()`).
const TOP_N: &str = "top-N heapsort";

static META: CheckMeta = CheckMeta {
    id: CheckId::new("topn_sort_large_input"),
    title: "sort for the first rows",
    summary: "a Limit takes the first rows of a sort of 50,000 rows or more, 100 for each one returned",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_INPUT, &MIN_FACTOR],
    page: include_str!("topn_sort_large_input.md"),
};

/// The check.
#[derive(Debug)]
pub struct TopnSortLargeInput;

impl Check for TopnSortLargeInput {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        super::support::each_node(case, found, propose);
    }
}

fn propose<'a>(case: &Case<'a>, plan: &CasePlan<'a>, sort: &Node) -> Option<Proposal> {
    if sort.node_type != NodeType::Sort || is_of_groups(plan, sort) {
        return None;
    }
    let limit = plan.plan.under_limit_without_blocking(sort)?;
    let input = plan.plan.inputs(sort).next()?;
    let rows = if plan.is_analyzed() {
        measured(plan, limit, sort, input)?
    } else {
        planned(plan, limit, input)?
    };
    if rows.sorted < MIN_INPUT.of(case) || rows.sorted < MIN_FACTOR.of(case) * rows.returned {
        return None;
    }
    let key = SortKey::of(case, plan, sort);
    let told = Told {
        title: format!(
            "sort for the first rows: {} rows sorted for {} returned in {}",
            format::count(rows.sorted),
            format::count(rows.returned),
            case.label(plan)
        ),
        proof: rows.proof,
        others: vec![rows.other],
        advice: key.advice(),
    };
    let offset = Cause {
        check: deep_offset::ID,
        subject: subject(&case.shape(plan)),
    };
    let draft = Draft::new(key.subject(case, plan), told.title, told.proof, told.advice)
        .with_all(told.others)
        .following([offset])
        .at(key.location());
    // An index in that order spares the sort and most of what feeds it.
    Some(case.of_node(plan, sort, 1.0 - plan.share_beside(sort), draft))
}

/// Whether it sorts what an aggregate or a window computes: no index holds that order.
fn is_of_groups(plan: &CasePlan<'_>, sort: &Node) -> bool {
    let mut below = plan.plan.inputs(sort).next();
    while let Some(node) = below {
        match node.node_type {
            NodeType::Aggregate | NodeType::Group | NodeType::WindowAgg | NodeType::SetOp => {
                return true;
            }
            NodeType::SubqueryScan | NodeType::Result | NodeType::Gather | NodeType::Unique => {
                below = plan.plan.inputs(node).next();
            }
            _ => return false,
        }
    }
    false
}

struct Rows {
    sorted: f64,
    returned: f64,
    proof: Evidence,
    other: Evidence,
}

fn measured(plan: &CasePlan<'_>, limit: &Node, sort: &Node, input: &Node) -> Option<Rows> {
    let of_workers = sort.workers.iter().map(|worker| worker.sort.as_ref());
    let mut methods = std::iter::once(sort.sort.as_ref())
        .chain(of_workers)
        .flatten();
    methods.find(|usage| usage.method == TOP_N)?;
    // In each loop of the Limit.
    let loops = plan.metrics_of(limit).loops.get();
    let each = |node: &Node| plan.metrics_of(node).kept.get() / loops;
    let evidence = |label, node, value| {
        let total = format!(
            "{} * {} / {}",
            plan.term(node, "Actual Rows"),
            plan.term(node, "Actual Loops"),
            plan.term(limit, "Actual Loops")
        );
        plan.computed(label, value, Unit::Rows, total)
    };
    let (sorted, returned) = (each(input), each(limit));
    Some(Rows {
        sorted,
        returned,
        proof: evidence("rows sorted", input, sorted),
        other: evidence("rows returned", limit, returned),
    })
}

fn planned(plan: &CasePlan<'_>, limit: &Node, input: &Node) -> Option<Rows> {
    // Of one process below a Gather: fewer than all of them sort.
    let sorted = input.planned?.rows.per_loop().get();
    let returned = limit.planned?.rows.per_loop().get();
    let rows = |label, value, node| plan.read(label, value, Unit::Rows, node, "Plan Rows");
    Some(Rows {
        sorted,
        returned,
        proof: rows("rows that the planner expects to sort", sorted, input),
        other: rows("rows that it expects to return", returned, limit),
    })
}

/// What the rows are sorted by.
enum SortKey<'a> {
    /// Columns of one table, each with its direction.
    Columns {
        table: Option<TableRef<'a>>,
        name: String,
        columns: Vec<String>,
        list: String,
    },
    /// Expressions, or columns of several tables.
    Mixed,
    /// Nothing that is stored: `random()`.
    Nothing,
}

impl<'a> SortKey<'a> {
    fn of(case: &Case<'a>, plan: &CasePlan<'a>, sort: &Node) -> Self {
        let keys: Vec<Vec<ColumnRef>> = sort.sort_key.iter().map(|key| columns(key)).collect();
        if keys.iter().all(Vec::is_empty) {
            return Self::Nothing;
        }
        Self::columns(case, plan, sort, &keys).unwrap_or(Self::Mixed)
    }

    fn columns(
        case: &Case<'a>,
        plan: &CasePlan<'a>,
        sort: &Node,
        keys: &[Vec<ColumnRef>],
    ) -> Option<Self> {
        let first = keys.first()?.first()?;
        let mut scans = plan.plan.subtree(sort).filter(|node| {
            let qualifier = first.qualifier.as_ref();
            let alias = node.target.alias.as_ref();
            node.target.relation.is_some() && qualifier.is_none_or(|name| Some(name) == alias)
        });
        let scan = scans.next()?;
        let mut names = Vec::new();
        let mut list = Vec::new();
        for (key, text) in keys.iter().zip(&sort.sort_key) {
            let [column] = key.as_slice() else {
                return None;
            };
            if column.qualifier != first.qualifier || text.contains('(') {
                return None;
            }
            let direction = text.find(" DESC").or_else(|| text.find(" NULLS"));
            let direction = direction.and_then(|at| text.get(at..)).unwrap_or_default();
            list.push(format!("{}{direction}", quote_ident(&column.name)));
            names.push(column.name.clone());
        }
        let table = plan.table(&case.catalog, scan);
        let relation = scan.target.relation.clone().unwrap_or_default();
        Some(Self::Columns {
            name: table.map_or(relation, |table| table.table.name.to_string()),
            table,
            columns: names,
            list: list.join(", "),
        })
    }

    fn subject(&self, case: &Case<'_>, plan: &CasePlan<'_>) -> Subject {
        match self {
            Self::Columns {
                table: Some(_),
                name,
                columns,
                ..
            } => Subject::new(super::with_columns(name, columns)),
            _ => subject(&case.shape(plan)),
        }
    }

    fn location(&self) -> Location {
        match self {
            Self::Columns {
                table: Some(_),
                name,
                columns,
                ..
            } => Location {
                table: Some(name.clone()),
                columns: columns.clone(),
                ..Location::default()
            },
            _ => Location::default(),
        }
    }

    fn advice(&self) -> Recommendation {
        let index = |summary: &str| {
            let words = Words {
                summary,
                expected: "reads the first rows in their order and stops; missing_index gives the planner's answer where it could be asked",
                risk: "every write of the table keeps one more index",
            };
            advice(Action::CreateIndex, words)
        };
        match self {
            Self::Columns { name, list, .. } => index(&format!(
                "index {name} in the order that is asked for: {list}; columns that are compared with = go before it"
            )),
            Self::Mixed => index(
                "let one index give the order: sort by columns of one table, or by an expression that is indexed",
            ),
            Self::Nothing => advice(
                Action::RewriteQuery,
                Words {
                    summary: "take a sample instead of sorting all rows by a random number: TABLESAMPLE, or a random key that is looked up",
                    expected: "reads about the rows it returns",
                    risk: "TABLESAMPLE takes rows of the same pages together; ask for more than are needed",
                },
            ),
        }
    }
}
