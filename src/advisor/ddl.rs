//! Statements that create and drop indexes, ready to run.

use std::collections::BTreeSet;

use crate::checks::{Catalog, TableRef};
use crate::ids::{QualifiedName, quote_ident};
use crate::snapshot::{IndexDefinition, RelationKind};
use crate::sql::lexer::{IDENTIFIER_BYTES, clipped};

/// Names that are taken, by schema: tables and indexes share one name space (`pg_class`).
#[derive(Debug, Clone)]
pub struct Names<'c> {
    known: &'c BTreeSet<(&'c str, &'c str)>,
    chosen: BTreeSet<(String, String)>,
}

impl<'c> Names<'c> {
    /// The names of a catalog's tables and indexes.
    pub fn of(catalog: &'c Catalog<'_>) -> Self {
        Self::beside(catalog.names())
    }

    fn beside(known: &'c BTreeSet<(&'c str, &'c str)>) -> Self {
        Self {
            known,
            chosen: BTreeSet::new(),
        }
    }

    /// A free name `table_column_column_idx` in the table's schema, as the server itself would choose it
    /// (`ChooseIndexName`, `indexcmds.c`), from now on taken.
    pub fn choose(&mut self, table: &QualifiedName, columns: &[String]) -> QualifiedName {
        let base = format!("{}_{}", table.name, columns.join("_"));
        let mut pass = 0_u32;
        loop {
            let suffix = match pass {
                0 => "_idx".to_owned(),
                more => format!("_idx{more}"),
            };
            let room = IDENTIFIER_BYTES - suffix.len();
            let name = format!("{}{suffix}", clipped(&base, room));
            let known = self.known.contains(&(&table.schema, &name));
            if !known && self.chosen.insert((table.schema.clone(), name.clone())) {
                return QualifiedName::new(&table.schema, name);
            }
            pass += 1;
        }
    }
}

/// What creates an index and what undoes that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Statements that create it, in order. None runs inside a transaction block.
    pub create: Vec<String>,
    /// Statements that drop it.
    pub drop: Vec<String>,
}

/// The statements for an index on `table`: on a partitioned table, the index without its partitions first (`ON ONLY`,
/// which locks for a moment only), then each partition's own without blocking writes, then their attachment, which
/// makes the whole valid.
pub fn script(
    catalog: &Catalog<'_>,
    names: &mut Names<'_>,
    table: TableRef<'_>,
    definition: &IndexDefinition,
    columns: &[String],
) -> Script {
    let name = names.choose(&table.table.name, columns);
    let bare = quote_ident(&name.name).into_owned();
    let keys = match definition.method.as_str() {
        "btree" => format!("({})", definition.key_list()),
        method => format!("USING {method} ({})", definition.key_list()),
    };
    if table.table.kind != RelationKind::PartitionedTable {
        return Script {
            create: vec![format!(
                "CREATE INDEX CONCURRENTLY {bare} ON {} {keys};",
                table.table.name
            )],
            drop: vec![drop(table.table.kind, &name)],
        };
    }
    let mut create = vec![format!(
        "CREATE INDEX {bare} ON ONLY {} {keys};",
        table.table.name
    )];
    let mut depth = 0;
    partitions(
        catalog,
        names,
        (table, &name),
        (&keys, columns),
        &mut depth,
        &mut create,
    );
    Script {
        create,
        drop: vec![drop(table.table.kind, &name)],
    }
}

/// The statement that drops an index of a table of that kind. With a partitioned one go those of the partitions, which
/// is not possible `CONCURRENTLY`.
pub fn drop(kind: RelationKind, index: &QualifiedName) -> String {
    match kind {
        RelationKind::PartitionedTable => format!("DROP INDEX {index};"),
        _ => format!("DROP INDEX CONCURRENTLY {index};"),
    }
}

/// Deeper nesting of partitions is a damaged capture.
const MAX_DEPTH: usize = 16;

fn partitions(
    catalog: &Catalog<'_>,
    names: &mut Names<'_>,
    (table, parent): (TableRef<'_>, &QualifiedName),
    (keys, columns): (&str, &[String]),
    depth: &mut usize,
    create: &mut Vec<String>,
) {
    if *depth >= MAX_DEPTH {
        return;
    }
    for partition in catalog.partitions(table.table.oid) {
        let name = names.choose(&partition.table.name, columns);
        let bare = quote_ident(&name.name).into_owned();
        let on = &partition.table.name;
        if partition.table.kind == RelationKind::PartitionedTable {
            create.push(format!("CREATE INDEX {bare} ON ONLY {on} {keys};"));
            *depth += 1;
            partitions(
                catalog,
                names,
                (partition, &name),
                (keys, columns),
                depth,
                create,
            );
            *depth -= 1;
        } else {
            create.push(format!("CREATE INDEX CONCURRENTLY {bare} ON {on} {keys};"));
        }
        create.push(format!("ALTER INDEX {parent} ATTACH PARTITION {name};"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_free_and_whole() {
        let known = BTreeSet::new();
        let mut names = Names::beside(&known);
        let orders = QualifiedName::new("public", "orders");
        let columns = ["customer_id".to_owned()];
        assert_eq!(
            names.choose(&orders, &columns).name,
            "orders_customer_id_idx"
        );
        assert_eq!(
            names.choose(&orders, &columns).name,
            "orders_customer_id_idx1"
        );
        let long = QualifiedName::new("public", "ä".repeat(40));
        let first = names.choose(&long, &columns);
        let second = names.choose(&long, &columns);
        assert!(first.name.len() <= 63 && second.name.len() <= 63);
        assert!(first.name.ends_with("_idx") && second.name.ends_with("_idx1"));
    }
}
