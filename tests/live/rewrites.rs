//! Statements and what they are rewritten to return the same rows, whatever the rows and the parameters are, and cost
//! less.

use std::collections::BTreeMap;
use std::fmt::Write;

use pgtriage::checks::Catalog;
use pgtriage::demo::cluster::{Cluster, SUPERUSER};
use pgtriage::sql::parse::parse;
use pgtriage::sql::rewrite::{
    Assumption, Keyset, Obstacle, Rewrite, Tables, Target, equivalent_select, joined, keyset,
    not_exists, sargable, uncast, union_all,
};

use crate::collect::{DATABASE, look};
use crate::{MAIN_MAJOR, builder, majors};

const SCHEMA: &str = include_str!("../../testdata/sql/rewrites/schema.sql");

/// Sets of rows and parameters that are tried.
fn rounds(major: u32) -> u64 {
    if major == MAIN_MAJOR { 42 } else { 12 }
}

/// Time zones in which days begin at midnight, an hour late, twice, or not at all.
const ZONES: [&str; 6] = [
    "UTC",
    "America/Havana",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

/// Moments at and around which clocks change in these zones, and around which units begin.
const MOMENTS: [&str; 22] = [
    "2024-03-10 05:00+00",
    "2024-03-10 04:30+00",
    "2024-11-03 04:00+00",
    "2024-11-03 04:30+00",
    "2024-11-03 05:00+00",
    "2024-11-03 05:30+00",
    "2017-10-15 03:00+00",
    "2017-10-15 02:59:59.999999+00",
    "2018-02-18 01:30+00",
    "2018-02-18 02:30+00",
    "2024-04-06 14:45+00",
    "2024-04-06 15:15+00",
    "2024-10-05 15:30+00",
    "2011-12-30 09:59+00",
    "2011-12-30 10:01+00",
    "2023-12-31 23:59:59.999999+00",
    "2024-01-01 00:00+00",
    "2024-01-01 00:00:00.000001+00",
    "2024-02-29 12:34:56+00",
    "2024-03-31 00:00+00",
    "0001-01-01 00:00+00",
    "1999-12-31 18:15+00",
];

/// Numbers that a seed gives in turn (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// A quoted value, or now and then NULL.
    fn value(&mut self, values: &[String], nulls: usize) -> String {
        if nulls > 0 && self.below(nulls) == 0 {
            "NULL".to_owned()
        } else {
            format!("'{}'", self.of(values))
        }
    }
}

/// A statement, what it becomes, and the types of its parameters.
struct Pair {
    before: String,
    after: String,
    assumes: Vec<Assumption>,
    types: Vec<String>,
}

fn statements(file: &'static str) -> impl Iterator<Item = &'static str> {
    let parts = file.split("\n\n").filter_map(|part| part.split_once("\n→"));
    parts.map(|(before, _)| before.trim())
}

const SARGABLE: &str = include_str!("../../testdata/sql/rewrites/sargable.txt");
const TYPES: &str = include_str!("../../testdata/sql/rewrites/types.txt");
const NOT_IN: &str = include_str!("../../testdata/sql/rewrites/not_in.txt");
const SCALAR: &str = include_str!("../../testdata/sql/rewrites/scalar.txt");
const UNION: &str = include_str!("../../testdata/sql/rewrites/union.txt");

/// The rewrite of any kind.
fn rewrite(text: &str, catalog: &Catalog<'_>) -> Option<Rewrite> {
    let statement = parse(text).expect(text);
    let of_columns = |rewrite: &dyn Fn(Target<'_>) -> Result<Rewrite, Obstacle>| {
        ["visits", "sites", "owners", "blocked"]
            .into_iter()
            .find_map(|name| {
                let table = catalog.facts(None, name).expect(name);
                let columns: Vec<String> = table
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect();
                let target = Target {
                    table: &table.name,
                    columns: &columns,
                };
                rewrite(target).ok()
            })
    };
    of_columns(&|target| sargable(&statement, catalog, target))
        .or_else(|| not_exists(&statement, catalog).ok())
        .or_else(|| joined(&statement, catalog).ok())
        .or_else(|| union_all(&statement, catalog).ok())
        .or_else(|| of_columns(&|target| uncast(&statement, catalog, target)))
}

/// What the test files have that is rewritten, with the parameter types that the server finds.
fn pairs(cluster: &Cluster, catalog: &Catalog<'_>) -> Vec<Pair> {
    let files = [SARGABLE, TYPES, NOT_IN, SCALAR, UNION];
    let mut found = Vec::new();
    for before in files.into_iter().flat_map(statements) {
        let Some(Rewrite { text, assumes }) = rewrite(before, catalog) else {
            continue;
        };
        // The server is asked for types as the text was before it was normalised.
        let plain = before
            .replace("interval $", "$")
            .replace("now() - $1", "now() - $1::interval");
        let after = text
            .replace("interval $", "$")
            .replace("now() - $1", "now() - $1::interval");
        let types = |text: &str| -> Vec<String> {
            let sql = format!(
                "PREPARE it AS {text}; SELECT unnest(parameter_types)::text FROM pg_prepared_statements"
            );
            let rows = cluster.query(DATABASE, &sql);
            let rows = rows.unwrap_or_else(|error| panic!("{error}: {text}"));
            rows.into_iter()
                .filter_map(|row| row.into_iter().next().flatten())
                .collect()
        };
        let (types, others) = (types(&plain), types(&after));
        assert_eq!(types.len(), others.len(), "{before}\n{after}");
        found.push(Pair {
            before: plain,
            after,
            assumes,
            types,
        });
    }
    found
}

/// Values of each type, at and around which rows and parameters lie.
fn pools(cluster: &Cluster, zone: &str) -> BTreeMap<&'static str, Vec<String>> {
    let moments: Vec<String> = MOMENTS.iter().map(|moment| format!("'{moment}'")).collect();
    let sql = format!(
        "SET TimeZone = '{zone}'; \
         WITH moments (at) AS (SELECT unnest(ARRAY[{}]::timestamptz[])), \
         near (at) AS (SELECT at + make_interval(mins => m) FROM moments, unnest(ARRAY[0, 30, 90]) m \
           UNION ALL SELECT now() - make_interval(mins => m) FROM generate_series(1, 9) m \
           UNION ALL SELECT date_trunc(u, at) FROM moments, unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year']) u) \
         SELECT at::text, at::timestamp::text, at::date::text FROM near",
        moments.join(", ")
    );
    let rows = cluster.query(DATABASE, &sql).expect("moments");
    let column = |place: usize| -> Vec<String> {
        rows.iter().filter_map(|row| row[place].clone()).collect()
    };
    let own = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    BTreeMap::from([
        ("timestamp with time zone", column(0)),
        ("timestamp without time zone", column(1)),
        ("date", column(2)),
        ("integer", own(&["-1", "0", "1", "2", "3", "4", "5"])),
        ("bigint", own(&["-1", "0", "1", "2", "3", "4", "5", "6"])),
        (
            "numeric",
            own(&["-1", "0", "1.0", "2", "2.5", "3", "4.99", "5"]),
        ),
        (
            "double precision",
            own(&["-1", "0", "1.0", "2", "2.5", "3", "5"]),
        ),
        ("text", own(&["", "a", "b", "B", "x"])),
        ("character varying", own(&["", "a", "b"])),
        ("interval", own(&["1 day", "3 years", "1 month"])),
        (
            "uuid",
            own(&[
                "00000000-0000-0000-0000-000000000001",
                "00000000-0000-0000-0000-000000000002",
            ]),
        ),
    ])
}

/// Statements that fill the tables with rows of a seed.
fn rows(dice: &mut Dice, pools: &BTreeMap<&'static str, Vec<String>>) -> String {
    let mut infinite: BTreeMap<&str, Vec<String>> = pools.clone();
    for of in [
        "timestamp with time zone",
        "timestamp without time zone",
        "date",
    ] {
        let pool = infinite.get_mut(of).unwrap();
        pool.extend(["infinity".to_owned(), "-infinity".to_owned()]);
    }
    infinite
        .get_mut("integer")
        .unwrap()
        .push("2147483646".to_owned());
    let mut sql = "TRUNCATE visits, sites, owners, blocked;".to_owned();
    let mut insert = |table: &str, count: usize, keyed: bool, columns: &[(&str, usize)]| {
        for id in 0..count {
            let mut values: Vec<String> = columns
                .iter()
                .map(|(of, nulls)| dice.value(&infinite[of], *nulls))
                .collect();
            if keyed {
                values.insert(0, id.to_string());
            }
            writeln!(
                sql,
                "INSERT INTO {table} VALUES ({}) ON CONFLICT DO NOTHING;",
                values.join(", ")
            )
            .unwrap();
        }
    };
    let small = [("integer", 5), ("text", 0), ("character varying", 4)];
    insert("sites", 7, true, &small);
    insert(
        "owners",
        6,
        true,
        &[("text", 4), ("bigint", 5), ("date", 0)],
    );
    let visits = [
        ("timestamp without time zone", 9),
        ("timestamp with time zone", 9),
        ("date", 9),
        ("integer", 6),
        ("bigint", 0),
        ("text", 6),
        ("numeric", 6),
        ("uuid", 6),
    ];
    insert("visits", 60, true, &visits);
    insert("visits", 0, true, &visits);
    let blocked = [
        ("bigint", 0),
        ("integer", 12),
        ("timestamp without time zone", 5),
    ];
    insert("blocked", 6, false, &blocked);
    sql
}

/// Values for parameters, within what the rewrite assumes.
fn values(
    pair: &Pair,
    dice: &mut Dice,
    pools: &BTreeMap<&'static str, Vec<String>>,
) -> Vec<String> {
    let mut values = Vec::new();
    for (number, of) in (1..).zip(&pair.types) {
        let is =
            |name: &str| name == format!("${number}") || name.starts_with(&format!("${number}::"));
        let own = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut pool = pools
            .get(of.as_str())
            .cloned()
            .unwrap_or_else(|| panic!("{of}: {}", pair.before));
        let mut nulls = 12;
        if matches!(
            of.as_str(),
            "timestamp with time zone" | "timestamp without time zone" | "date"
        ) {
            pool.extend(own(&["infinity", "-infinity"]));
        }
        for assumed in &pair.assumes {
            match assumed {
                Assumption::Finite(value) if is(value) => {
                    pool.retain(|value| !value.ends_with("infinity"));
                }
                Assumption::Year(value) if is(value) => {
                    pool = own(&["1", "1999", "2017", "2018", "2024"]);
                }
                Assumption::IntervalUnit(value) if is(value) => {
                    pool = own(&["hour", "day", "week", "month", "year", "Decade"]);
                }
                Assumption::Whole(value) | Assumption::Printed { value, .. } if is(value) => {
                    pool.retain(|value| !value.contains('.'));
                    if of == "text" {
                        let uuid = matches!(assumed, Assumption::Printed { type_name, .. } if type_name == "uuid");
                        pool.clone_from(&pools[if uuid { "uuid" } else { "integer" }]);
                    }
                }
                Assumption::One(value) if is(value) => {
                    pool = own(&["1"]);
                    nulls = 0;
                }
                _ => {}
            }
        }
        if pair.before.contains(&format!("LIMIT ${number}")) {
            pool = own(&["1000"]);
            nulls = 0;
        }
        values.push(dice.value(&pool, nulls));
    }
    values
}

/// A text with values in the place of its parameters.
fn bound(text: &str, values: &[String]) -> String {
    let mut out = text.to_owned();
    for (place, value) in values.iter().enumerate().rev() {
        out = out.replace(&format!("${}", place + 1), value);
    }
    equivalent_select(&out).map_or(out, |select| select.text)
}

#[tokio::test]
async fn rewrites_return_the_same_rows() {
    for major in majors() {
        let cluster = builder(major).start().expect("a server");
        cluster.create_database(DATABASE).expect("a database");
        cluster.execute(DATABASE, SCHEMA).expect("the schema");
        let snapshot = look(&cluster, SUPERUSER).await;
        let catalog = Catalog::of(&snapshot);
        let pairs = pairs(&cluster, &catalog);
        assert!(pairs.len() > 50, "{}", pairs.len());
        let mut returned = vec![0_u64; pairs.len()];
        for round in 0..rounds(major) {
            let zone = ZONES[usize::try_from(round).unwrap() % ZONES.len()];
            let pools = pools(&cluster, zone);
            let mut dice = Dice::new(round + 1);
            cluster
                .execute(DATABASE, &rows(&mut dice, &pools))
                .expect("rows");
            let mut sql = format!("SET TimeZone = '{zone}';");
            let mut texts = Vec::new();
            for pair in &pairs {
                let values = values(pair, &mut dice, &pools);
                let (before, after) = (bound(&pair.before, &values), bound(&pair.after, &values));
                writeln!(
                    sql,
                    "SELECT (SELECT count(*) FROM ({before}) q), \
                     (SELECT count(*) FROM (({before}) EXCEPT ALL ({after})) q), \
                     (SELECT count(*) FROM (({after}) EXCEPT ALL ({before})) q);"
                )
                .unwrap();
                texts.push((before, after));
            }
            let counts = cluster
                .query(DATABASE, &sql)
                .unwrap_or_else(|error| panic!("{error}\n{sql}"));
            assert_eq!(counts.len(), pairs.len());
            for ((count, (before, after)), sum) in counts.iter().zip(&texts).zip(&mut returned) {
                let number = |place: usize| count[place].as_ref().unwrap().parse::<u64>().unwrap();
                *sum += number(0);
                assert_eq!(
                    (number(1), number(2)),
                    (0, 0),
                    "{major}, {zone}, round {round}: rows lost and added\n{before}\n→\n{after}"
                );
            }
        }
        let empty: Vec<&str> = returned
            .iter()
            .zip(&pairs)
            .filter(|(sum, _)| **sum == 0 && major == MAIN_MAJOR)
            .map(|(_, pair)| pair.before.as_str())
            .collect();
        assert!(empty.is_empty(), "no rows at all: {empty:#?}");
    }
}

/// The rows of `text` in order, each as one string.
fn listed(cluster: &Cluster, text: &str) -> Vec<Vec<Option<String>>> {
    let rows = cluster.query(DATABASE, text);
    rows.unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn pages_by_key_are_the_pages_by_offset() {
    let cluster = builder(MAIN_MAJOR).start().expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, SCHEMA).expect("the schema");
    let fill = "INSERT INTO visits (id, site, hits, kind) SELECT i, i % 7, (i * 7919) % 13, 'k' || i % 3 FROM generate_series(1, 200) i; \
                INSERT INTO owners SELECT i, 'o' || i, NULL, '2024-01-01'::date + i % 5 FROM generate_series(1, 90) i; \
                INSERT INTO sites SELECT i, i, 'n' || i % 4, NULL FROM generate_series(1, 80) i;";
    cluster.execute(DATABASE, fill).expect("rows");
    let snapshot = look(&cluster, SUPERUSER).await;
    let catalog = Catalog::of(&snapshot);
    for text in [
        "SELECT id FROM visits ORDER BY id LIMIT 7 OFFSET 21",
        "SELECT id, hits, kind FROM visits WHERE kind = 'k1' OR kind = 'k2' ORDER BY hits DESC, id LIMIT 7 OFFSET 21",
        "SELECT * FROM visits ORDER BY hits DESC, id DESC LIMIT 7 OFFSET 21",
        "SELECT v.hits AS h, v.id AS i FROM visits v ORDER BY h, 2 DESC LIMIT 7 OFFSET 21",
        "SELECT id, since FROM owners ORDER BY since DESC, id OFFSET 21 LIMIT 7",
        "SELECT s.name, s.id, o.since FROM sites s LEFT JOIN owners o ON s.owner = o.id ORDER BY s.name, s.id LIMIT 7 OFFSET 21",
    ] {
        let Keyset {
            rewrite,
            keys,
            added,
        } = keyset(&parse(text).expect(text), &catalog).expect(text);
        assert!(added.is_empty(), "{text}: {added:?}");
        let statement = text.replace(" LIMIT 7", "").replace(" OFFSET 21", "");
        let all = listed(&cluster, &statement);
        let last = format!("SELECT {} FROM ({statement} LIMIT 1 OFFSET 20) q", {
            let output = |column: &str| match column.rsplit('.').next().unwrap_or(column) {
                "hits" if text.contains(" AS h,") => "h".to_owned(),
                "id" if text.contains(" AS i ") => "i".to_owned(),
                plain => plain.to_owned(),
            };
            keys.iter()
                .map(|(column, _)| output(column))
                .collect::<Vec<_>>()
                .join(", ")
        });
        let last = listed(&cluster, &last).remove(0);
        let mut page = rewrite.text.clone();
        for ((_, number), value) in keys.iter().zip(last) {
            page = page.replace(&format!("${number}"), &format!("'{}'", value.unwrap()));
        }
        assert_eq!(listed(&cluster, &page), all[21..28], "{text}\n→\n{page}");
    }
}

/// The planner's cost of the whole statement.
fn cost(cluster: &Cluster, text: &str) -> f64 {
    let plan = listed(cluster, &format!("EXPLAIN {text}"))
        .remove(0)
        .remove(0)
        .unwrap();
    let (_, costs) = plan.split_once("cost=").unwrap();
    let (_, total) = costs.split_once("..").unwrap();
    total.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn rewrites_cost_less() {
    let cluster = builder(MAIN_MAJOR)
        .setting("work_mem", "64kB")
        .start()
        .expect("a server");
    cluster.create_database(DATABASE).expect("a database");
    cluster.execute(DATABASE, SCHEMA).expect("the schema");
    let fill = "INSERT INTO visits SELECT i, '2024-01-01'::timestamp + i * '10 minutes'::interval, '2024-01-01'::timestamptz + i * '10 minutes'::interval, \
                  '2020-01-01'::date + i % 3000, i % 9000, i % 50000, 'k' || i % 20000, NULL, NULL FROM generate_series(1, 60000) i; \
                INSERT INTO sites SELECT i, i % 900, 'n' || i, 'c' || i FROM generate_series(1, 9000) i; \
                INSERT INTO owners SELECT i, 'o' || i, i / 2, '2020-01-01' FROM generate_series(1, 9000) i; \
                INSERT INTO blocked SELECT i, i * 2, '2024-01-01'::timestamp + i * '1 hour'::interval FROM generate_series(1, 9000) i; \
                CREATE INDEX ON visits (at); CREATE INDEX ON visits (seen); CREATE INDEX ON visits (day); CREATE INDEX ON visits (kind); \
                CREATE INDEX ON visits (hits); CREATE INDEX ON sites (name); ANALYZE;";
    cluster.execute(DATABASE, fill).expect("rows");
    let snapshot = look(&cluster, SUPERUSER).await;
    let catalog = Catalog::of(&snapshot);
    for before in [
        "SELECT * FROM visits WHERE date_trunc('day', at) = '2024-03-01'",
        "SELECT * FROM visits WHERE at::date = '2024-03-01'",
        "SELECT * FROM visits WHERE seen::date = '2024-03-01'",
        "SELECT * FROM visits WHERE extract(year from at) = 2023",
        "SELECT * FROM visits WHERE hits + 5 = 700",
        "SELECT * FROM visits WHERE coalesce(hits, 0) = 700",
        "SELECT * FROM visits WHERE coalesce(kind, '') = 'k77'",
        "SELECT * FROM visits WHERE id = 700.0",
        "SELECT * FROM visits WHERE id::text = '700'",
        "SELECT count(*) FROM visits WHERE site NOT IN (SELECT site FROM blocked)",
        "SELECT id, (SELECT count(*) FROM visits v WHERE v.site = s.id) FROM sites s",
        "SELECT id, (SELECT max(v.at) FROM visits v WHERE v.site = s.id AND v.kind > 'k') FROM sites s",
        "SELECT v.id FROM visits v JOIN sites s ON s.id = v.hits WHERE v.kind = 'k77' OR s.name = 'n77'",
        "SELECT count(*) FROM visits v JOIN blocked b ON v.hits = b.owner OR v.at = b.since",
    ] {
        let after = rewrite(before, &catalog)
            .unwrap_or_else(|| panic!("no rewrite: {before}"))
            .text;
        let (old, new) = (cost(&cluster, before), cost(&cluster, &after));
        assert!(new * 3.0 < old, "{old} → {new}:\n{before}\n→\n{after}");
    }
}
