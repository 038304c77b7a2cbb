//! What each statement wishes for, and what is refused before anybody is asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::support::{Dress, conditions, dress, filter_facts};
use crate::checks::{Case, TableRef, is_system};
use crate::ids::StatementKey;
use crate::plan::NodeType;
use crate::snapshot::RelationKind;
use crate::sql::facts::{Facts, RelationUse};
use crate::units::Bytes;

use super::MIN_ROWS;
use super::candidates::{Candidate, candidates};
use super::coverage::covering;
use super::refusal::{Reason, Refusal};

/// A btree key takes a third of a page at most (`BTMaxItemSize`, `nbtree.h`: 2,704 bytes with 8 kB pages).
const MAX_KEY: Bytes = Bytes(2_700);

/// Types without a btree operator class (`pg_opclass`).
const UNORDERED: [&str; 12] = [
    "box",
    "circle",
    "cid",
    "json",
    "line",
    "lseg",
    "path",
    "point",
    "polygon",
    "txid_snapshot",
    "xid",
    "xml",
];

/// A statement, and the indexes that it could use.
pub struct Wish<'a> {
    /// Position of the family.
    pub family: usize,
    /// Position of its costliest member in `Snapshot::statements`.
    pub statement: usize,
    /// The key of that.
    pub key: &'a StatementKey,
    /// Candidates by relation use.
    pub uses: Vec<Use<'a>>,
}

/// A relation use, and the indexes that it could use.
pub struct Use<'a> {
    /// Index into the facts' relations.
    pub relation: usize,
    /// The facts, where they are not the statement's own but those of a scan in its plan.
    pub of_scan: Option<Facts>,
    /// The table.
    pub table: TableRef<'a>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// The wishes of all families that ran, the costliest first, one at a time: together they are larger than all else.
pub fn wishes<'c, 'a>(
    case: &'c Case<'a>,
    refusals: &'c mut Vec<Refusal>,
) -> impl Iterator<Item = Wish<'a>> + use<'c, 'a> {
    let families = case.workload.families().iter().enumerate();
    families
        .filter(|(_, family)| family.calls() > 0)
        .filter_map(move |(place, family)| {
            let statement = family.members().first()?.statement;
            let read = case.glance(statement, |facts| {
                wish(case, place, statement, Some(facts), refusals)
            });
            read.unwrap_or_else(|| wish(case, place, statement, None, refusals))
        })
}

fn wish<'a>(
    case: &Case<'a>,
    family: usize,
    statement: usize,
    own: Option<&Facts>,
    refusals: &mut Vec<Refusal>,
) -> Option<Wish<'a>> {
    let key = &case.snapshot.statements.get(statement)?.key;
    let mut asked: Vec<(Option<Facts>, usize, TableRef<'a>)> = Vec::new();
    for (relation, used) in own
        .iter()
        .flat_map(|facts| facts.relations.iter().enumerate())
    {
        asked.extend(table(case, used).map(|table| (None, relation, table)));
    }
    for (facts, table) in scans(case, family) {
        if !asked.iter().any(|(_, _, known)| known.place == table.place) {
            asked.push((Some(facts), 0, table));
        }
    }
    let mut uses = Vec::new();
    for (of_scan, relation, table) in asked {
        let Some(facts) = of_scan.as_ref().or(own) else {
            continue;
        };
        let refused = |columns: Vec<String>, reason: Reason| Refusal {
            table: table.table.name.clone(),
            columns,
            families: vec![family],
            reason,
        };
        // Without rows known, the candidates tell only whether there is a wish at all.
        let rows = case.catalog.tuples(table);
        let found = candidates(facts, relation, table, rows.unwrap_or(MIN_ROWS.of(case)));
        if found.is_empty() {
            continue;
        }
        if let Some(reason) = whole_table(case, table, rows) {
            refusals.push(refused(Vec::new(), reason));
            continue;
        }
        let mut open = Vec::new();
        let casts = casts(case, family, table);
        for candidate in found {
            let cut_off = casts.iter().find(|column| column.cuts_off(&candidate));
            let reason = cut_off
                .map(|column| column.reason.clone())
                .or_else(|| single(case, table, &candidate));
            match reason {
                Some(reason) => refusals.push(refused(candidate.columns(), reason)),
                None => open.push(candidate),
            }
        }
        if !open.is_empty() {
            uses.push(Use {
                relation,
                of_scan,
                table,
                candidates: open,
            });
        }
    }
    (!uses.is_empty()).then_some(Wish {
        family,
        statement,
        key,
        uses,
    })
}

/// What the scans in a family's plans filter by: the second source, for views and for texts that do not parse.
fn scans<'a>(case: &Case<'a>, family: usize) -> Vec<(Facts, TableRef<'a>)> {
    let mut found = Vec::new();
    for plan in case.plans.iter().filter(|plan| plan.family == Some(family)) {
        for node in plan.plan.nodes() {
            let table = plan.table(&case.catalog, node);
            let (NodeType::SeqScan, Some(table)) = (&node.node_type, table) else {
                continue;
            };
            let facts = filter_facts(case, plan, node);
            found.extend(facts.map(|facts| (facts, case.catalog.root(table))));
        }
    }
    found
}

/// A column that a family's statement compares as another type, which no index on the column serves.
struct CastColumn {
    column: String,
    reason: Reason,
}

impl CastColumn {
    fn cuts_off(&self, candidate: &Candidate) -> bool {
        candidate
            .keys
            .first()
            .is_some_and(|key| key.column == self.column)
    }
}

/// The columns of a table that a family's sequential scans cast and never compare as they are.
fn casts(case: &Case<'_>, family: usize, table: TableRef<'_>) -> Vec<CastColumn> {
    let mut compared: BTreeMap<String, String> = BTreeMap::new();
    let mut bare: BTreeSet<String> = BTreeSet::new();
    for plan in case.plans.iter().filter(|plan| plan.family == Some(family)) {
        for node in plan.plan.nodes() {
            let scanned = plan.table(&case.catalog, node);
            let same = scanned.is_some_and(|scanned| {
                case.catalog.root(scanned).table.oid == case.catalog.root(table).table.oid
            });
            if node.node_type != NodeType::SeqScan || !same {
                continue;
            }
            for predicate in conditions(case, plan, node) {
                match dress(Some(table), &predicate.operand) {
                    Some(Dress::Cast { column, to }) => {
                        compared.insert(column.to_owned(), to.to_owned());
                    }
                    Some(Dress::Bare { column }) => {
                        bare.insert(column.to_owned());
                    }
                    _ => {}
                }
            }
        }
    }
    compared.retain(|column, _| !bare.contains(column));
    let reason = |(column, to): (String, String)| CastColumn {
        reason: Reason::ComparedAs {
            column: column.clone(),
            type_name: to,
        },
        column,
    };
    compared.into_iter().map(reason).collect()
}

fn table<'a>(case: &Case<'a>, used: &RelationUse) -> Option<TableRef<'a>> {
    case.catalog.named(used.resolved.as_ref()?)
}

/// Why no index at all is advised on a table.
fn whole_table(case: &Case<'_>, table: TableRef<'_>, rows: Option<f64>) -> Option<Reason> {
    if is_system(&table.table.name.schema) {
        return Some(Reason::SystemTable);
    }
    let leaves = case.catalog.leaves(table);
    let foreign = |table: TableRef<'_>| table.table.kind == RelationKind::ForeignTable;
    if foreign(table) || leaves.into_iter().any(foreign) {
        return Some(Reason::ForeignTable);
    }
    match rows {
        None => Some(Reason::NeverAnalyzed),
        Some(rows) if rows < MIN_ROWS.of(case) => Some(Reason::SmallTable { rows }),
        Some(_) => None,
    }
}

/// Whether an index is there already or cannot be.
pub fn refused(case: &Case<'_>, candidate: &Candidate) -> bool {
    case.catalog
        .at(candidate.table)
        .is_none_or(|table| single(case, table, candidate).is_some())
}

/// Why this index is not advised.
fn single(case: &Case<'_>, table: TableRef<'_>, candidate: &Candidate) -> Option<Reason> {
    if let Some(index) = covering(&case.catalog, table.table.oid, candidate) {
        return Some(Reason::Covered {
            by: index.name.clone(),
        });
    }
    let columns: BTreeSet<String> = candidate.columns().into_iter().collect();
    for name in columns {
        let column = table.table.column(&name)?;
        if UNORDERED.contains(&column.stored_type()) {
            return Some(Reason::NoOrder {
                column: name,
                type_name: column.type_name.clone(),
            });
        }
        let width = column
            .statistics
            .as_ref()
            .map(|known| known.avg_width_bytes);
        if let Some(width) = width.filter(|width| *width > MAX_KEY) {
            return Some(Reason::WideColumn {
                column: name,
                width,
            });
        }
    }
    None
}
