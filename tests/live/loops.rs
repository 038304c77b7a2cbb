//! A loop, run as the client ran it, and the one statement that the advice writes in its place return the same rows:
//! for every loop in `testdata/nplusone`, on the tables that it was recorded on.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use pgtriage::analyze::{Config, analyze};
use pgtriage::checks::Catalog;
use pgtriage::finding::Finding;
use pgtriage::snapshot::{Snapshot, Table};
use pgtriage::sql::cursor;
use pgtriage::sql::facts::{self, Elements, Operand, Output, Test};
use pgtriage::sql::parse::parse;
use serde_json::{Value, json};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::collect::client;
use crate::probing::runtime;
use crate::{MAIN_MAJOR, builder};

/// What the scenarios run in: a name, what makes it, and a Snapshot of it.
const SCHEMAS: [(&str, &str, &str); 2] = [
    (
        "shop",
        include_str!("../../testdata/nplusone/shop.sql"),
        include_str!("../../testdata/nplusone/shop.json"),
    ),
    (
        "crm",
        include_str!("../../testdata/nplusone/schemas/crm.sql"),
        include_str!("../../testdata/nplusone/schemas/crm.json"),
    ),
];

type Row = Vec<Option<String>>;

/// How often each form of advice was compared.
#[derive(Debug, Default)]
struct Compared {
    joins: usize,
    lists: usize,
    rows_of_keys: usize,
    rows: usize,
}

#[test]
fn what_takes_the_place_of_a_loop_returns_its_rows() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    for (name, tables, _) in SCHEMAS {
        cluster.create_database(name).expect("a database");
        cluster.execute(name, tables).expect("its tables");
    }
    let mut compared = Compared::default();
    let mut different = Vec::new();
    let mut seen = BTreeSet::new();
    runtime().block_on(async {
        let mut clients = BTreeMap::new();
        for (name, ..) in SCHEMAS {
            let connected = client(&cluster, pgtriage::demo::cluster::SUPERUSER, name).await;
            clients.insert(name, connected);
        }
        for (name, schema, statements) in scenarios() {
            let snapshot = snapshot(&schema, &statements);
            let report = analyze(&snapshot, &Config::default());
            let found = report.bottlenecks.iter();
            for finding in found.filter(|finding| finding.kind.as_str() == "n_plus_one") {
                let rewrite = finding
                    .recommendation
                    .rewrite
                    .as_deref()
                    .unwrap_or_default();
                let same = match Loop::of(&snapshot, finding) {
                    // What writes cannot be run again for the same rows.
                    Ok(looped)
                        if !looped
                            .parent
                            .trim_start()
                            .to_lowercase()
                            .starts_with(['s', 'w']) =>
                    {
                        Ok(())
                    }
                    // Other clients may have sent the same two statements.
                    Ok(looped) if !seen.insert((looped.parent.clone(), rewrite.to_owned())) => {
                        Ok(())
                    }
                    Ok(looped) => compare(&clients[schema.as_str()], &looped, &mut compared).await,
                    Err(unknown) => Err(unknown),
                };
                if let Err(difference) = same {
                    different.push(format!("{name}: {rewrite}\n{difference}"));
                }
            }
        }
    });
    assert!(different.is_empty(), "{}", different.join("\n"));
    println!("{compared:?}");
    let forms = [compared.joins, compared.lists, compared.rows_of_keys];
    assert!(
        forms.iter().all(|form| *form > 20) && compared.rows > 30_000,
        "{compared:?}"
    );
}

/// The name of each scenario, what it runs in, and its statements as `[calls, rows, milliseconds, text]`.
fn scenarios() -> Vec<(String, String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/nplusone");
    let read = |path: PathBuf| -> Value {
        serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
    };
    let mut all = Vec::new();
    for folder in [folder.clone(), folder.join("recorded")] {
        let files = fs::read_dir(folder).expect("a folder");
        let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        for path in files {
            let client = path.file_stem().unwrap_or_default().to_owned();
            let client = client.to_string_lossy();
            let json = path
                .extension()
                .is_some_and(|extension| extension == "json");
            if !json || client == "shop" || client == "labels" {
                continue;
            }
            for (name, scenario) in read(path.clone()).as_object().expect("scenarios") {
                let statements = scenario.get("statements").unwrap_or(scenario);
                let schema = scenario.get("schema").and_then(Value::as_str);
                let schema = schema.unwrap_or("shop").to_owned();
                all.push((format!("{client} {name}"), schema, statements.clone()));
            }
        }
    }
    all
}

fn snapshot(schema: &str, statements: &Value) -> Snapshot {
    let mut schemas = SCHEMAS.into_iter();
    let (_, _, shop) = schemas
        .find(|(name, ..)| *name == schema)
        .expect("a schema");
    let mut shop: Value = serde_json::from_str(shop).expect("JSON");
    let rows = statements.as_array().expect("statements").iter();
    let statements: Vec<Value> = rows
        .enumerate()
        .map(|(place, row)| {
            json!({
                "key": {"userid": row.get(4).unwrap_or(&json!(10)), "queryid": place.to_string(), "toplevel": true},
                "query": row[3],
                "counters": {"calls": row[0], "rows": row[1], "total_exec_time_ms": row[2]}
            })
        })
        .collect();
    shop["statements"] = json!(statements);
    serde_json::from_value(shop).expect("a snapshot")
}

/// The two statements of a finding and what takes their place.
struct Loop {
    parent: String,
    child: String,
    rewrite: String,
    /// Where the parent's rows hold the keys; a key that they do not hold is the same for all of them.
    places: Vec<Option<usize>>,
    /// The parameters of the look-up that they are for.
    parameters: Vec<u32>,
}

impl Loop {
    fn of(snapshot: &Snapshot, finding: &Finding) -> Result<Self, String> {
        let text = |place: i64| {
            let statement = &snapshot.statements[usize::try_from(place).expect("a place")];
            statement.query.clone().expect("a text")
        };
        let child = finding.location.query.clone().expect("a look-up");
        let mut texts = finding.location.queryids.iter().map(|id| text(id.0));
        let parent = texts.rfind(|text| *text != child && text.len() < 4000);
        let parent = declared_for(snapshot, parent.expect("a parent"));
        let table = table(snapshot, finding);
        let catalog = Catalog::of(snapshot);
        let rows = facts::facts(&parse(&parent).expect("a statement"), &catalog);
        let look_up = facts::facts(&parse(&child).expect("a statement"), &catalog);
        let mut places = Vec::new();
        let mut parameters = Vec::new();
        for column in &finding.location.columns {
            let source = source(snapshot, finding, (table, column));
            let place = rows.output().iter().position(|output| match output {
                Output::Column { sources, .. } => sources.iter().any(|from| {
                    let used = &rows.relations[from.relation];
                    let known = used.resolved.as_ref().is_none_or(|name| *name == source.0);
                    known && from.column == source.1
                }),
                // The key is the first column of the view that is read by `*`.
                Output::All { .. } => source.1 == "id",
                Output::Computed { .. } => false,
            });
            let same = rows.relations.iter().any(|used| {
                used.predicates
                    .iter()
                    .any(|predicate| predicate.operand == Operand::Column(source.1.clone()))
            });
            if place.is_none() && !same {
                return Err(format!("{parent}: no {source:?}"));
            }
            places.push(place);
            let used = look_up
                .relations
                .iter()
                .filter(|used| used.resolved.as_ref() == Some(&table.name));
            let predicates = used.flat_map(|used| used.predicates.iter());
            let number = predicates
                .filter(|predicate| predicate.operand == Operand::Column(column.clone()))
                .find_map(|predicate| parameter(&predicate.test));
            // What is joined by the key is compared in its place.
            let joined = || {
                let all = look_up.relations.iter();
                let mut predicates = all.flat_map(|used| used.predicates.iter());
                predicates.find_map(|predicate| parameter(&predicate.test))
            };
            let number = number.or_else(joined);
            parameters.push(number.ok_or_else(|| format!("{child}: no parameter"))?);
        }
        let rewrite = finding.recommendation.rewrite.clone();
        Ok(Self {
            parent,
            child,
            rewrite: rewrite.ok_or("no rewrite")?,
            places,
            parameters,
        })
    }
}

/// The query of the cursor that a statement fetches from; every other statement as it is.
fn declared_for(snapshot: &Snapshot, parent: String) -> String {
    let Some(name) = cursor::fetched(&parent) else {
        return parent;
    };
    let mut texts = snapshot
        .statements
        .iter()
        .filter_map(|statement| statement.query.as_deref());
    let query = texts.find_map(|text| {
        let declared = cursor::declared(text).filter(|cursor| cursor.name == name)?;
        Some(declared.query.to_owned())
    });
    query.unwrap_or(parent)
}

/// The number of the parameter that a column is compared with.
fn parameter(test: &Test) -> Option<u32> {
    let value = match test {
        Test::Equal(value)
        | Test::In(Elements::Array(value))
        | Test::Other {
            value: Some(value), ..
        } => value,
        Test::In(Elements::List(values)) => values.first()?,
        _ => return None,
    };
    match value {
        facts::Value::Parameter { number, .. } => Some(*number),
        _ => None,
    }
}

fn table<'s>(snapshot: &'s Snapshot, finding: &Finding) -> &'s Table {
    let name = finding.location.table.as_deref().expect("a table");
    let mut tables = snapshot.tables.iter();
    tables
        .find(|table| table.name.to_string() == name)
        .expect("a table")
}

/// The table and column whose values a look-up's column is compared with.
fn source(
    snapshot: &Snapshot,
    finding: &Finding,
    (table, column): (&Table, &str),
) -> (pgtriage::ids::QualifiedName, String) {
    let (_, rest) = finding.id.split_once(" for each of ").expect("a parent");
    let (parent, _) = rest.split_once(" #").expect("an id");
    let mut tables = snapshot.tables.iter();
    let parent = tables.find(|table| table.name.to_string() == parent);
    let parent = parent.expect("a parent");
    let paired = |from: &[String], to: &[String]| {
        let place = from.iter().position(|name| name == column)?;
        to.get(place).cloned()
    };
    let declared = snapshot.foreign_keys.iter().find_map(|key| {
        let up = (key.table, key.referenced_table) == (table.oid, parent.oid);
        let down = (key.referenced_table, key.table) == (table.oid, parent.oid);
        let up = up.then(|| paired(&key.columns, &key.referenced_columns));
        let down = down.then(|| paired(&key.referenced_columns, &key.columns));
        up.flatten().or(down.flatten())
    });
    let within = parent.oid == table.oid && declared.is_none();
    let named = match column {
        _ if within => column.to_owned(),
        "id" => ["owner_id", "customer_id"]
            .into_iter()
            .find(|name| parent.column(name).is_some())
            .unwrap_or("id")
            .to_owned(),
        _ if parent.column(column).is_some() => column.to_owned(),
        _ => "id".to_owned(),
    };
    (parent.name.clone(), declared.unwrap_or(named))
}

/// A value for a parameter by what stands around it.
fn value(before: &str, after: &str) -> &'static str {
    let before = before.trim_end().to_lowercase();
    let near = &before[before.len().saturating_sub(24)..];
    let in_parent = after.contains(") AS parent");
    match () {
        () if ["first", "next"].iter().any(|word| near.ends_with(word)) => "4",
        () if near.ends_with("limit") && in_parent => "'250'",
        () if near.ends_with("limit") => "'4'",
        () if near.ends_with("offset") => "'0'",
        () if near.ends_with(" on") => "true",
        () if near.ends_with(" where") && !after.trim_start().starts_with('=') => "true",
        () if after.starts_with("::json") => "'[]'",
        () if near.contains("_series(") => "150",
        () if near.contains("_at") || near.contains("published") => "'2001-02-03'",
        () if near.contains("type_id") => "'2'",
        () if near.contains("type") => "'Book'",
        () if near.contains("status") => "'paid'",
        () => "'2'",
    }
}

/// A text whose parameters are replaced by values.
fn filled(text: &str, given: &dyn Fn(u32, &str, &str) -> Option<String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(place) = rest.find('$') {
        let digits = rest[place + 1..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |end| place + 1 + end);
        let Ok(number) = rest[place + 1..digits].parse() else {
            // A name may have a dollar sign in it.
            filled.push_str(&rest[..=place]);
            rest = &rest[place + 1..];
            continue;
        };
        filled.push_str(&rest[..place]);
        let after = &rest[digits..];
        let literal = given(number, &filled, after);
        let literal = literal.unwrap_or_else(|| value(&filled, after).to_owned());
        filled.push_str(&literal);
        rest = after;
    }
    filled + rest
}

async fn rows(client: &Client, sql: &str) -> Result<Vec<Row>, String> {
    let messages = client.simple_query(sql).await;
    let messages = messages.map_err(|error| {
        let cause = error.as_db_error().map(ToString::to_string);
        format!("{}: {sql}", cause.unwrap_or_default())
    })?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let cells = |row: &tokio_postgres::SimpleQueryRow| {
        let cells = (0..row.len()).map(|place| row.get(place).map(str::to_owned));
        cells.collect()
    };
    Ok(rows.map(cells).collect())
}

fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{value}'"))
}

async fn compare(client: &Client, looped: &Loop, compared: &mut Compared) -> Result<(), String> {
    let parent = filled(&format!("{}) AS parent", looped.parent), &|_, _, _| None);
    let parents = rows(client, parent.trim_end_matches(") AS parent")).await?;
    let key_of = |row: &Row| -> Row {
        looped
            .places
            .iter()
            .map(|place| place.map_or_else(|| Some("2".to_owned()), |place| row[place].clone()))
            .collect()
    };
    let mut children: BTreeMap<Row, Vec<Row>> = BTreeMap::new();
    for row in &parents {
        let key = key_of(row);
        if let Entry::Vacant(place) = children.entry(key.clone()) {
            let given = |number: u32, before: &str, _: &str| {
                let mut parameters = looped.parameters.iter();
                let place = parameters.position(|known| *known == number)?;
                let value = key[place].as_deref();
                if before.ends_with("ANY(") {
                    return Some(format!("'{{{}}}'", value.unwrap_or("NULL")));
                }
                Some(quoted(value))
            };
            let found = rows(client, &filled(&looped.child, &given)).await?;
            place.insert(found);
        }
    }
    let arrays: Vec<String> = (0..looped.places.len())
        .map(|place| {
            let values = parents.iter().map(|row| {
                let value = key_of(row)[place].clone();
                value.map_or_else(|| "NULL".to_owned(), |value| format!("\"{value}\""))
            });
            format!("'{{{}}}'", values.collect::<Vec<_>>().join(","))
        })
        .collect();
    let used = std::cell::Cell::new(0);
    let given = |_: u32, before: &str, after: &str| {
        let typed = before.ends_with("unnest(") || before.ends_with("[], ");
        let array = before.ends_with("ANY(") || typed && after.starts_with("::");
        array.then(|| {
            let place = used.replace(used.get() + 1);
            arrays[place].clone()
        })
    };
    let mut together = rows(client, &filled(&looped.rewrite, &given)).await?;
    let mut expected: Vec<Row> = Vec::new();
    if looped.rewrite.contains(") AS parent") {
        compared.joins += 1;
        let width = together.first().map_or(0, Vec::len);
        for row in &parents {
            let found = &children[&key_of(row)];
            let nulls = vec![None; width.saturating_sub(row.len())];
            let found = if found.is_empty() {
                vec![nulls]
            } else {
                found.clone()
            };
            expected.extend(found.into_iter().map(|child| [row.clone(), child].concat()));
        }
    } else if looped.rewrite.contains("unnest(") {
        compared.rows_of_keys += 1;
        for row in &parents {
            let key = key_of(row);
            let found = children[&key].iter();
            expected.extend(found.map(|child| [key.clone(), child.clone()].concat()));
        }
    } else {
        compared.lists += 1;
        expected.extend(children.into_values().flatten());
    }
    compared.rows += expected.len();
    together.sort();
    expected.sort();
    if together == expected {
        Ok(())
    } else {
        let missing = expected.iter().find(|row| !together.contains(row));
        let added = together.iter().find(|row| !expected.contains(row));
        Err(format!(
            "{} rows instead of {}; {missing:?} is missing, {added:?} is there",
            together.len(),
            expected.len()
        ))
    }
}
