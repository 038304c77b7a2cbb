//! `testdata/sql/rewrites/*.txt`: a statement and what becomes of it, in parts that blank lines divide. `UPDATE=1`
//! writes the files anew.

use super::*;
use crate::sql::parse::parse;

/// The tables of `testdata/sql/rewrites/schema.sql`.
pub struct Shop(Vec<TableFacts>);

impl Shop {
    pub fn new() -> Self {
        let schema = include_str!("../../../../testdata/sql/rewrites/schema.sql");
        let lines = schema.lines();
        let tables = lines.filter_map(|line| line.strip_prefix("CREATE TABLE "));
        Self(tables.map(table).collect())
    }
}

fn table(definition: &str) -> TableFacts {
    let (name, rest) = definition.split_once(" (").unwrap();
    let rest = rest.strip_suffix(");").unwrap();
    let mut unique = Vec::new();
    let mut columns = Vec::new();
    for item in rest.split("; ").flat_map(|part| part.split(", ")) {
        let (name, type_name) = item.split_once(' ').unwrap();
        let primary = type_name.contains(" PRIMARY KEY");
        if primary || type_name.contains(" UNIQUE") {
            unique.push(vec![name.to_owned()]);
        }
        let upper = type_name.find(|c: char| c.is_uppercase());
        let end = upper.unwrap_or(type_name.len());
        columns.push(ColumnFacts {
            name: name.to_owned(),
            type_name: type_name[..end].trim().to_owned(),
            not_null: primary || type_name.contains(" NOT NULL"),
        });
    }
    TableFacts {
        name: QualifiedName::new("public", name),
        columns,
        unique,
    }
}

impl Tables for Shop {
    fn facts(&self, schema: Option<&str>, name: &str) -> Option<TableFacts> {
        let mut tables = self.0.iter();
        let found = tables.find(|table| table.name.name == name);
        found
            .filter(|_| schema.is_none_or(|schema| schema == "public"))
            .cloned()
    }
}

/// What becomes of each statement of a file, beside what is expected.
fn compare(name: &str, rewrite: impl Fn(&Statement, &Shop) -> Result<Rewrite, Obstacle>) {
    let shop = Shop::new();
    let path = format!(
        "{}/testdata/sql/rewrites/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let expected = std::fs::read_to_string(&path).unwrap();
    let mut actual = Vec::new();
    for part in expected.split("\n\n").map(str::trim) {
        let (before, _) = part.split_once("\n→").unwrap();
        let statement = parse(before).unwrap();
        let after = match rewrite(&statement, &shop) {
            Ok(done) => {
                let statement = done.text.split("\n$").next().unwrap();
                assert!(parse(statement).is_ok(), "{}", done.text);
                let mut lines = vec![done.text];
                lines.extend(done.assumes.iter().map(|one| format!("if {one}")));
                lines.join("\n")
            }
            Err(obstacle) => format!("none: {obstacle}"),
        };
        actual.push(format!("{before}\n→\n{after}"));
    }
    let actual = format!("{}\n", actual.join("\n\n"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    } else {
        assert!(actual == expected, "{path}:\n{actual}");
    }
}

fn every_column(
    shop: &Shop,
    rewrite: impl Fn(Target<'_>) -> Result<Rewrite, Obstacle>,
) -> Result<Rewrite, Obstacle> {
    let mut first = None;
    for table in &shop.0 {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let target = Target {
            table: &table.name,
            columns: &columns,
        };
        match rewrite(target) {
            Ok(done) => return Ok(done),
            Err(Obstacle::Absent) => {}
            Err(obstacle) => {
                first.get_or_insert(obstacle);
            }
        }
    }
    Err(first.unwrap_or(Obstacle::Absent))
}

#[test]
fn columns_become_bare() {
    compare("sargable", |statement, shop| {
        every_column(shop, |target| sargable(statement, shop, target))
    });
}

#[test]
fn not_in_becomes_not_exists() {
    compare("not_in", |statement, shop| not_exists(statement, shop));
}

#[test]
fn subqueries_become_joins() {
    compare("scalar", |statement, shop| joined(statement, shop));
}

#[test]
fn alternatives_become_unions() {
    compare("union", |statement, shop| union_all(statement, shop));
}

#[test]
fn casts_change_sides() {
    compare("types", |statement, shop| {
        every_column(shop, |target| uncast(statement, shop, target))
    });
}

#[test]
fn offsets_become_keys() {
    compare("keyset", |statement, shop| {
        keyset(statement, shop).map(|keyset| {
            let mut text = keyset.rewrite.text;
            let keys = keyset.keys.iter();
            text.extend(
                keys.map(|(column, number)| format!("\n${number} is {column} of the last row")),
            );
            let added = keyset.added.iter();
            text.extend(added.map(|column| format!("\n{column} is returned too")));
            Rewrite {
                text,
                ..keyset.rewrite
            }
        })
    });
}
