//! Loops that the parts of a window prove, among traffic that only looks like them: random workloads, counted as
//! `pg_stat_statements` would count them.
//!
//! A workload has endpoints; each gets requests at a rate of its own that rises and falls, and each request runs its
//! statements one after the other. Two endpoints share their rate by coincidence.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells its figures"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pgtriage::analyze::{Config, analyze};
use pgtriage::finding::{Confidence, Finding};
use pgtriage::snapshot::Snapshot;
use serde_json::{Value, json};

/// Parts of the window, a second each.
const PARTS: usize = 60;

/// Numbers that look random and are the same in every run (Steele, Lea and Flood, *Fast splittable pseudorandom number
/// generators*, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to 1.
    fn unit(&mut self) -> f64 {
        let high = u32::try_from(self.next() >> 32).unwrap();
        f64::from(high) / f64::from(u32::MAX)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What one request runs.
#[derive(Clone)]
enum Step {
    /// One statement with so many rows.
    Once(&'static str, u64),
    /// A list, and a look-up for each of its rows: so many of them (the others are in the identity map), with so many
    /// rows each.
    Loop {
        list: &'static str,
        rows: u64,
        kept: f64,
        look_up: &'static str,
        each: u64,
        /// A look-up within the look-up, once for each of its rows.
        inner: Option<&'static str>,
    },
}

struct Endpoint {
    /// Requests a second, by part.
    rate: Vec<f64>,
    /// Seconds that a loop takes.
    duration: f64,
    steps: Vec<Step>,
}

const BOOKS: &str = "SELECT id, author_id, title FROM books WHERE price > $1 LIMIT $2";
const AUTHOR: &str = "SELECT id, name FROM authors WHERE id = $1";
const ORDERS: &str =
    "SELECT id, user_id, status FROM orders WHERE status = $1 ORDER BY created_at LIMIT $2";
const ITEMS: &str = "SELECT id, order_id, book_id, qty FROM items WHERE order_id = $1";
const BOOK: &str = "SELECT id, title, price FROM books WHERE id = $1";
const REVIEWS: &str = "SELECT id, book_id, rating FROM reviews WHERE rating = $1 LIMIT $2";
const USERS: &str = "SELECT id, name FROM users ORDER BY name LIMIT $1";
const ORDERS_OF_USER: &str =
    "SELECT id, status FROM orders WHERE user_id = $1 ORDER BY created_at DESC LIMIT $2";
const SESSION: &str = "SELECT id, token, user_id FROM sessions WHERE token = $1";
const USER: &str = "SELECT id, name, email FROM users WHERE id = $1";
const AUTHORS: &str = "SELECT id, name FROM authors WHERE name LIKE $1 LIMIT $2";
const COUNT: &str = "SELECT count(*) FROM books WHERE author_id = $1";

/// A rate that rises and falls about `mean`.
fn varying(random: &mut Random, mean: f64) -> Vec<f64> {
    let (phase, waves) = (random.between(0.0, 6.3), random.between(0.5, 3.0));
    let (swing, burst) = (random.between(0.5, 0.95), random.below(3));
    let at = (0..PARTS).map(|part| {
        let place = f64::from(u32::try_from(part).unwrap()) / 60.0;
        match burst {
            0 => 1.0 + swing * (phase + waves * std::f64::consts::TAU * place).sin(),
            1 => 0.2 + 1.6 * place,
            _ => {
                if (place * waves * 2.0 + phase).fract() < 0.5 {
                    1.0 + swing
                } else {
                    1.0 - swing
                }
            }
        }
    });
    at.map(|factor| mean * factor).collect()
}

fn steady(_: &mut Random, mean: f64) -> Vec<f64> {
    vec![mean; PARTS]
}

/// What the workloads of a test have in common.
struct Kind {
    /// Gives the rate of an endpoint from its mean.
    rate: fn(&mut Random, f64) -> Vec<f64>,
    /// Seconds that a loop takes at most.
    longest: f64,
    /// Whether a look-up may stand in two loops: then only a measurement tells.
    several: bool,
    /// How many there are.
    workloads: u64,
}

struct Workload {
    endpoints: Vec<Endpoint>,
    /// Look-up and parents of each loop, as a finding's id has them.
    loops: BTreeMap<&'static str, &'static [&'static str]>,
}

/// Statements beside the loops, with their rows.
const OTHERS: [(&str, u64); 11] = [
    ("SELECT id, title FROM books WHERE id = ANY ($1)", 20),
    (
        "SELECT id, name, email FROM authors WHERE id = ANY ($1)",
        12,
    ),
    ("SELECT id, qty FROM items WHERE order_id = ANY ($1)", 30),
    ("UPDATE sessions SET token = $1 WHERE id = $2", 1),
    (
        "INSERT INTO reviews (book_id, rating, body) VALUES ($1, $2, $3)",
        1,
    ),
    ("SELECT count(*) FROM orders WHERE status = $1", 1),
    (
        "SELECT id, title FROM books WHERE id > $1 ORDER BY id LIMIT $2",
        25,
    ),
    (
        "SELECT id, payload FROM jobs WHERE queue = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        1,
    ),
    ("UPDATE jobs SET status = $1 WHERE id = $2", 1),
    ("DELETE FROM sessions WHERE token = $1", 1),
    ("SELECT avg(rating) FROM reviews", 1),
];

fn looped(list: &'static str, rows: u64, look_up: &'static str) -> Step {
    Step::Loop {
        list,
        rows,
        kept: 1.0,
        look_up,
        each: 1,
        inner: None,
    }
}

fn page(random: &mut Random) -> u64 {
    5 + random.below(40)
}

impl Workload {
    /// Three loops, a coincidence, and what every application does besides.
    fn new(random: &mut Random, kind: &Kind) -> Self {
        let mut workload = Self {
            endpoints: Vec::new(),
            loops: BTreeMap::new(),
        };
        workload.loops(random, kind);
        // Each request has its session and its user, and most show something.
        let often = random.between(20.0, 200.0);
        let session = vec![Step::Once(SESSION, 1), Step::Once(USER, 1)];
        workload.add(random, kind, often, session);
        for (text, rows) in OTHERS {
            let rate = random.between(1.0, 40.0);
            workload.add(random, kind, rate, vec![Step::Once(text, rows)]);
        }
        workload.coincide(random, kind);
        workload
    }

    fn add(&mut self, random: &mut Random, kind: &Kind, mean: f64, steps: Vec<Step>) {
        let rate = (kind.rate)(random, mean);
        let duration = random.between(0.005, kind.longest);
        self.endpoints.push(Endpoint {
            rate,
            duration,
            steps,
        });
    }

    fn loops(&mut self, random: &mut Random, kind: &Kind) {
        let (rate, rows) = (random.between(2.0, 20.0), page(random));
        let mut authors = looped(BOOKS, rows, AUTHOR);
        if let Step::Loop { kept, .. } = &mut authors
            && random.below(2) == 0
        {
            *kept = random.between(0.4, 1.0);
        }
        self.add(random, kind, rate, vec![authors]);
        self.loops.insert("public.authors(id)", &["public.books"]);

        let (rate, rows) = (random.between(1.0, 8.0), page(random));
        let of_order = 1 + random.below(4);
        let second = random.below(2 + u64::from(kind.several));
        let orders = Step::Loop {
            list: ORDERS,
            rows,
            kept: 1.0,
            look_up: ITEMS,
            each: of_order,
            inner: (second != 1).then_some(BOOK),
        };
        self.add(random, kind, rate, vec![orders]);
        self.loops
            .insert("public.items(order_id)", &["public.orders"]);

        let (rate, rows) = (random.between(2.0, 20.0), page(random));
        match second {
            0 => {
                self.loops.insert("public.books(id)", &["public.items"]);
            }
            1 => {
                self.add(random, kind, rate, vec![looped(AUTHORS, rows, COUNT)]);
                self.loops
                    .insert("public.books(author_id)", &["public.authors"]);
            }
            // Two parents of one look-up.
            _ => {
                self.add(random, kind, rate, vec![looped(REVIEWS, rows, BOOK)]);
                let parents = &["public.reviews", "public.items"];
                self.loops.insert("public.books(id)", parents);
            }
        }
    }

    /// A list of users and a page of one user's orders: unlike in a loop, each is asked for when it is asked for.
    fn coincide(&mut self, random: &mut Random, kind: &Kind) {
        let mean = random.between(2.0, 10.0);
        let lists = (kind.rate)(random, mean);
        let (rows, per_row) = (5 + random.below(30), random.between(0.4, 1.05));
        let pages: Vec<f64> = lists
            .iter()
            .map(|rate| rate * per_row * f64::from(u32::try_from(rows).unwrap()))
            .collect();
        for (rate, step) in [
            (lists, Step::Once(USERS, rows)),
            (pages, Step::Once(ORDERS_OF_USER, 3)),
        ] {
            self.endpoints.push(Endpoint {
                rate,
                duration: 0.01,
                steps: vec![step],
            });
        }
    }
}

/// Calls and rows of each statement by part.
type Counts = BTreeMap<&'static str, (Vec<i64>, Vec<i64>)>;

struct Counted {
    counts: Counts,
}

impl Counted {
    fn add(&mut self, text: &'static str, at: f64, rows: u64) {
        let zeros = || (vec![0; PARTS], vec![0; PARTS]);
        let (calls, sum) = self.counts.entry(text).or_insert_with(zeros);
        let part = (0..PARTS).find(|part| at < f64::from(u32::try_from(part + 1).unwrap()));
        if let Some(part) = part {
            calls[part] += 1;
            sum[part] += i64::try_from(rows).unwrap();
        }
    }
}

fn run(random: &mut Random, workload: &Workload) -> Counts {
    let mut counted = Counted {
        counts: Counts::new(),
    };
    for endpoint in &workload.endpoints {
        let mut now = 0.0;
        loop {
            // Exponential gaps at the rate of the moment are a Poisson process.
            let part = (0..PARTS).find(|part| now < f64::from(u32::try_from(part + 1).unwrap()));
            let Some(part) = part else { break };
            now += -(1.0 - random.unit()).max(1e-9).ln() / endpoint.rate[part].max(0.01);
            let mut at = now;
            for step in &endpoint.steps {
                match step {
                    Step::Once(text, rows) => counted.add(text, at, *rows),
                    Step::Loop {
                        list,
                        rows,
                        kept,
                        look_up,
                        each,
                        inner,
                    } => {
                        counted.add(list, at, *rows);
                        let pause = endpoint.duration / f64::from(u32::try_from(*rows).unwrap());
                        for _ in 0..*rows {
                            at += pause;
                            if random.unit() <= *kept {
                                counted.add(look_up, at, *each);
                                for _ in 0..inner.map_or(0, |_| *each) {
                                    counted.add(inner.unwrap(), at, 1);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    counted.counts
}

/// A capture of the shop with these counts.
fn capture(counts: &Counts) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/nplusone/shop.json");
    let mut shop: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cumulative = |list: &[i64]| -> Vec<i64> {
        let sums = list.iter().scan(1_000, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        std::iter::once(1_000).chain(sums).collect()
    };
    let (mut statements, mut before, mut series) = (Vec::new(), Vec::new(), Vec::new());
    for (place, (text, (calls, rows))) in counts.iter().enumerate() {
        let key = json!({"userid": 10, "queryid": (place + 1).to_string(), "toplevel": true});
        let (calls, rows) = (cumulative(calls), cumulative(rows));
        let counters = |moment: usize| json!({"calls": calls[moment], "rows": rows[moment], "total_exec_time_ms": 0.02 * f64::from(u32::try_from(calls[moment]).unwrap())});
        before.push(json!({"key": key, "counters": counters(0)}));
        statements
            .push(json!({"key": key, "role": "app", "query": text, "counters": counters(PARTS)}));
        series.push(json!({"key": key, "calls": calls, "rows": rows}));
    }
    let seconds: Vec<usize> = (0..=PARTS).collect();
    shop["captured_at"] = json!("2026-11-22T10:01:00Z");
    shop["samples"] = json!([{
        "taken_at": "2026-11-22T10:00:00Z", "started_at": shop["server"]["started_at"],
        "counter_source": shop["counter_source"], "statements": before,
    }]);
    shop["series"] =
        json!({"from": "2026-11-22T10:00:00Z", "seconds": seconds, "statements": series});
    shop["statements"] = json!(statements);
    shop
}

fn loops(capture: &Value) -> Vec<Finding> {
    let snapshot: Snapshot = serde_json::from_value(capture.clone()).unwrap();
    let report = analyze(&snapshot, &Config::default());
    let found = report.bottlenecks.into_iter();
    found
        .filter(|finding| finding.kind.as_str() == "n_plus_one")
        .collect()
}

/// Look-up and parent, as the finding's id has them.
fn pair(finding: &Finding) -> (&str, &str) {
    let subject = finding.id.strip_prefix("n_plus_one:").unwrap();
    let (child, rest) = subject.split_once(" for each of ").unwrap();
    (child, rest.split_once(" #").unwrap().0)
}

fn recompute(finding: &Finding, capture: &Value) {
    for evidence in &finding.evidence {
        let value = match (&evidence.pointer, &evidence.formula) {
            (Some(pointer), None) => capture.pointer(pointer).and_then(Value::as_f64),
            (None, Some(formula)) => formula.evaluate(capture).ok(),
            _ => None,
        };
        let value = value.unwrap();
        assert!(
            (value - evidence.value).abs() <= 1e-6 * value.abs().max(1.0),
            "{}: {} is {value}, not {}",
            finding.id,
            evidence.label,
            evidence.value
        );
    }
}

/// What was found in many workloads.
#[derive(Debug, Default)]
struct Tally {
    loops: usize,
    found: usize,
    measured: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
}

fn tally(what: &str, kind: &Kind) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..kind.workloads {
        let mut random = Random(seed);
        let workload = Workload::new(&mut random, kind);
        let capture = capture(&run(&mut random, &workload));
        let findings = loops(&capture);
        tally.loops += workload.loops.len();
        let children: BTreeSet<&str> = findings.iter().map(|finding| pair(finding).0).collect();
        let unseen = workload.loops.keys();
        let unseen = unseen.filter(|child| !children.contains(*child));
        tally
            .missed
            .extend(unseen.map(|child| format!("{seed}: {child}")));
        for finding in &findings {
            let (child, parent) = pair(finding);
            let parents = workload.loops.get(child);
            if parents.is_some_and(|parents| parents.contains(&parent)) {
                tally.found += 1;
                tally.measured += usize::from(finding.confidence == Confidence::Measured);
            } else {
                let confidence = finding.confidence;
                tally
                    .wrong
                    .push(format!("{seed}: {} ({confidence:?})", finding.id));
            }
            recompute(finding, &capture);
        }
    }
    println!(
        "{what}: {} loops, {} found, {} of them measured, {} false; missed {:#?}, wrong {:#?}",
        tally.loops,
        tally.found,
        tally.measured,
        tally.wrong.len(),
        tally.missed,
        tally.wrong
    );
    tally
}

#[test]
fn loops_are_proven_and_coincidence_is_not() {
    let kind = Kind {
        rate: varying,
        longest: 0.12,
        several: true,
        workloads: 200,
    };
    let tally = tally("a load that varies", &kind);
    assert!(tally.wrong.len() <= 1, "{:?}", tally.wrong);
    assert!(tally.missed.len() <= 1, "{:?}", tally.missed);
    assert!(100 * tally.measured >= 98 * tally.loops, "{tally:?}");
}

#[test]
fn slow_loops_are_found() {
    let kind = Kind {
        rate: varying,
        longest: 1.0,
        several: false,
        workloads: 60,
    };
    let tally = tally("loops of up to a second", &kind);
    assert!(tally.wrong.is_empty(), "{:?}", tally.wrong);
    assert!(100 * tally.found >= 98 * tally.loops, "{:?}", tally.missed);
}

/// Nor is there always enough to tell a coincidence from one.
#[test]
fn a_steady_load_hides_no_loop() {
    let kind = Kind {
        rate: steady,
        longest: 0.12,
        several: false,
        workloads: 60,
    };
    let tally = tally("a steady load", &kind);
    assert_eq!(tally.found, tally.loops, "{:?}", tally.missed);
}
