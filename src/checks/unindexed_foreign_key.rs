//! `unindexed_foreign_key`: rows that refer to a row are looked for, and no index finds them.

use std::collections::BTreeSet;

use super::support::create_index;
use super::workload::{Family, Field};
use super::{
    Case, Category, Check, CheckMeta, Depth, Proposal, TableRef, TableUse, Threshold, Usage,
    with_columns,
};
use crate::advisor::{leading_index, plain_index};
use crate::finding::{
    CheckId, Draft, Evidence, Expected, Formula, Impact, Location, Recommendation, Source, Subject,
    Unit,
};
use crate::format;
use crate::snapshot::delta::TableDelta;
use crate::snapshot::{Area, ForeignKey, TableCounters};
use crate::sql::facts::Role;
use crate::units::{Millis, float};

/// Below so many rows, a dozen pages or so, a table is read about as fast as an index.
static MIN_ROWS: Threshold<f64> = Threshold {
    key: "unindexed_foreign_key.min_rows",
    default: 1_000.0,
    unit: Unit::Rows,
    what: "rows of the table that has the key",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("unindexed_foreign_key"),
    title: "unindexed foreign key",
    summary: "no index begins with a foreign key's columns, and rows are looked for by them",
    category: Category::Schema,
    needs: &[Area::Tables, Area::Indexes, Area::ForeignKeys],
    thresholds: &[&MIN_ROWS],
    page: include_str!("unindexed_foreign_key.md"),
};

/// The check.
#[derive(Debug)]
pub struct UnindexedForeignKey;

impl Check for UnindexedForeignKey {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::ForeignKey
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let keys = case.snapshot.foreign_keys.iter();
        let own = keys.filter(|key| !key.inherited);
        found.extend(own.filter_map(|key| propose(case, key)));
    }
}

fn propose(case: &Case<'_>, key: &ForeignKey) -> Option<Proposal> {
    let table = case.catalog.by_oid(key.table)?;
    let parent = case.catalog.by_oid(key.referenced_table)?;
    let large = case.catalog.tuples(table)? >= MIN_ROWS.of(case);
    if !large || is_indexed(case, table, key) {
        return None;
    }
    let need = Need::of(case, key, table, parent);
    let mut evidence = need.evidence(case, parent).into_iter();
    let proof = evidence.next()?;
    let name = with_columns(&table.table.name.to_string(), &key.columns);
    let title = format!("unindexed foreign key on {name}");
    let mut draft = Draft::new(
        Subject::new(&name),
        title,
        proof,
        recommendation(case, key, table, parent)?,
    );
    for more in evidence.chain(rows(case, table)) {
        draft = draft.with(more);
    }
    Some(Proposal {
        draft: draft
            .at(Location {
                table: Some(table.table.name.to_string()),
                columns: key.columns.clone(),
                ..case.location_of(need.families())
            })
            .costing(impact(case, &need)),
        families: need.writers,
    })
}

/// Whether an index begins with the key's columns, in any order. One without the rows whose key is NULL serves as well:
/// those refer to nothing.
pub fn is_indexed(case: &Case<'_>, table: TableRef<'_>, key: &ForeignKey) -> bool {
    if leading_index(case, table, &key.columns).is_some() {
        return true;
    }
    let not_null = |predicate: &str| {
        key.columns.iter().any(|column| {
            let name = crate::ids::quote_ident(column);
            predicate == format!("({name} IS NOT NULL)")
                || predicate == format!("{name} IS NOT NULL")
        })
    };
    case.catalog.indexes(table.table.oid).any(|index| {
        let leading: BTreeSet<Option<&str>> = index
            .keys
            .iter()
            .take(key.columns.len())
            .map(|column| column.column.as_deref())
            .collect();
        let wanted: BTreeSet<Option<&str>> = key
            .columns
            .iter()
            .map(|column| Some(column.as_str()))
            .collect();
        index.valid
            && index.method == "btree"
            && leading == wanted
            && index.predicate.as_deref().is_some_and(not_null)
    })
}

/// Who looks for rows by the key.
struct Need {
    /// The referenced table's position and counters, where rows of it went or changed their key.
    parent: Option<(TableDelta, TableCounters)>,
    /// Whether updates count: a statement sets a referenced column.
    updates: bool,
    /// Statements that delete from the referenced table, or change its key: what they spend on the check is in their
    /// time.
    writers: Vec<usize>,
    /// Statements that join or look up by the key.
    readers: Vec<usize>,
}

impl Need {
    fn of(case: &Case<'_>, key: &ForeignKey, table: TableRef<'_>, parent: TableRef<'_>) -> Self {
        // A key that does not change is not looked for (`RI_FKey_pk_upd_check_required`, `ri_triggers.c`).
        let updates = case
            .usage()
            .updated()
            .get(&parent.place)
            .is_some_and(|set| {
                key.referenced_columns
                    .iter()
                    .any(|column| set.contains(column))
            });
        let delta = case.workload.window().table(parent.place).copied();
        let counted = delta.map(|delta| (delta, *delta.counters.get()));
        let written = counted
            .filter(|(_, counters)| counters.n_tup_del > 0 || (updates && counters.n_tup_upd > 0));
        let mut need = Self {
            parent: written,
            updates,
            writers: Vec::new(),
            readers: Vec::new(),
        };
        let usage = case.usage();
        let families = |table: TableRef<'_>, wanted: fn(&Usage, &TableUse, &ForeignKey) -> bool| {
            let uses = usage.of_table(table.place).iter();
            let wanted = uses.filter(|one| wanted(usage, one, key));
            wanted.map(|one| one.family).collect::<BTreeSet<usize>>()
        };
        let ran = |place: &usize| {
            let family = case.workload.families().get(*place);
            family.is_some_and(|family| family.calls() > 0)
        };
        let writers = families(parent, writes);
        let readers = families(table, reads);
        need.readers = readers.difference(&writers).copied().filter(ran).collect();
        need.writers = writers.into_iter().filter(ran).collect();
        need
    }

    /// All of them.
    fn families(&self) -> Vec<usize> {
        let mut families = self.writers.clone();
        families.extend(&self.readers);
        families
    }

    /// What happened to rows of the referenced table, in a clause.
    fn written(&self) -> Option<String> {
        let (_, counters) = self.parent?;
        let updated = if self.updates { counters.n_tup_upd } else { 0 };
        let each = [(counters.n_tup_del, "deleted"), (updated, "updated")];
        let parts: Vec<String> = each
            .into_iter()
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, what)| format!("{} {what}", format::count(float(rows))))
            .collect();
        Some(format!(
            "rows of the referenced table: {}",
            parts.join(", ")
        ))
    }

    fn evidence(&self, case: &Case<'_>, parent: TableRef<'_>) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        if let Some((delta, counters)) = self.parent {
            let counted = |label: &str, value: i64, field: &str| {
                (value > 0).then(|| table_counter(label, (delta, parent), value, field))
            };
            evidence.extend(counted(
                "rows deleted from the referenced table",
                counters.n_tup_del,
                "n_tup_del",
            ));
            if self.updates {
                evidence.extend(counted(
                    "rows updated in the referenced table",
                    counters.n_tup_upd,
                    "n_tup_upd",
                ));
            }
        }
        let calls = |label: &str, families: &[usize], field: Field, unit: Unit| {
            case.workload
                .sum_over(families, field)
                .map(|(value, term)| case.workload.counted(label, value, unit, term))
        };
        evidence.extend(calls(
            "calls of statements that join or look up by it",
            &self.readers,
            Field::Calls,
            Unit::Calls,
        ));
        if self.parent.is_some() {
            evidence.extend(calls(
                "execution time of deletes and key changes",
                &self.writers,
                Field::ExecTime,
                Unit::Ms,
            ));
        }
        evidence
    }
}

/// A counter of a table in the window.
fn table_counter(
    label: &str,
    (delta, table): (TableDelta, TableRef<'_>),
    value: i64,
    field: &str,
) -> Evidence {
    let now = table.pointer(&format!("/counters/{field}"));
    let value = float(value);
    match delta.base {
        None => Evidence::read(label, value, Unit::Rows, Source::PgStat, now),
        Some(base) => {
            let then = Formula::at(&format!("/samples/0/tables/{base}/counters/{field}"));
            let formula = Formula::new(format!("{} - {then}", Formula::at(&now)));
            Evidence::computed(label, value, Unit::Rows, Source::PgStat, formula)
        }
    }
}

/// Whether a statement deletes from the referenced table, or changes what is referred to.
fn writes(usage: &Usage, table_use: &TableUse, key: &ForeignKey) -> bool {
    match table_use.role {
        Role::DeleteTarget => true,
        Role::UpdateTarget | Role::MergeTarget => {
            usage.writes_any(table_use, &key.referenced_columns)
        }
        Role::Scan | Role::InsertTarget => false,
    }
}

/// Whether a statement compares all of the key's columns with values or with another relation.
fn reads(usage: &Usage, table_use: &TableUse, key: &ForeignKey) -> bool {
    table_use.role != Role::InsertTarget && usage.looks_up_all(table_use, &key.columns)
}

fn rows(case: &Case<'_>, table: TableRef<'_>) -> Option<Evidence> {
    let leaves = case.catalog.leaves(table);
    match leaves.as_slice() {
        [leaf] => Some(Evidence::read(
            "rows of the referencing table",
            leaf.table.tuples?.get(),
            Unit::Rows,
            Source::Catalog,
            leaf.pointer("/tuples"),
        )),
        _ => None,
    }
}

/// Deletes of the referenced table do little else than look for rows that refer to theirs; how much of a reader's time
/// an index would save, only the planner can tell.
fn impact(case: &Case<'_>, need: &Need) -> Impact {
    let families = case.workload.families();
    let of = |places: &[usize]| -> (i64, Millis) {
        let found = places.iter().filter_map(|place| families.get(*place));
        let calls = found.clone().map(Family::calls).sum();
        (calls, found.map(Family::time).sum())
    };
    let ((deletes, time), (reads, _)) = (of(&need.writers), of(&need.readers));
    let mut parts = Vec::new();
    parts.extend(need.written());
    if deletes > 0 {
        parts.push(format!(
            "{} calls, {}",
            format::count(float(deletes)),
            format::duration(time)
        ));
    }
    if reads > 0 {
        parts.push(format!(
            "{} calls join or look up by it",
            format::count(float(reads))
        ));
    }
    Impact {
        text: parts.join("; "),
        time_ms: (deletes > 0).then_some(time),
        share: (deletes > 0).then(|| case.workload.share(time)).flatten(),
        calls: Some(deletes + reads),
    }
}

fn recommendation(
    case: &Case<'_>,
    key: &ForeignKey,
    table: TableRef<'_>,
    parent: TableRef<'_>,
) -> Option<Recommendation> {
    let blueprint = plain_index(case, table, &key.columns)?;
    let expected = Expected::in_words(format!(
        "a row deleted from {} finds those that refer to it without reading all of {}",
        parent.table.name, table.table.name
    ));
    Some(create_index(&blueprint, table, expected))
}
