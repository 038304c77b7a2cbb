//! Object-relational mappers of Python and JavaScript on a real server: their lazy loops are found, and what they load
//! together is not. Where pip, npm or the network is missing, a test says so and ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pgtriage::demo::cluster::Cluster;
use serde_json::Value;

use crate::program::{pgtriage, text, wait_until};
use crate::{MAIN_MAJOR, builder};

const SHOP: &str = include_str!("../../testdata/nplusone/shop.sql");
const DATABASE: &str = "shop";
const ROLE: &str = "app";

/// A registry's packages, and how programs with them are run.
#[derive(Debug, Clone, Copy)]
enum Registry {
    PyPi,
    Npm,
}

impl Registry {
    const fn folder(self) -> &'static str {
        match self {
            Self::PyPi => "python",
            Self::Npm => "node",
        }
    }

    /// What installs the packages, to be run in the folder of the programs.
    const fn install(self) -> &'static str {
        match self {
            Self::PyPi => {
                "python3 -m venv installed && installed/bin/pip install --quiet --disable-pip-version-check \
                 --requirement requirements.txt"
            }
            Self::Npm => "npm install --no-audit --no-fund --silent",
        }
    }

    const fn interpreter(self) -> &'static str {
        match self {
            Self::PyPi => "installed/bin/python",
            Self::Npm => "node",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::PyPi => "py",
            Self::Npm => "js",
        }
    }

    /// A folder with the programs and their packages, kept between runs; `None` where they cannot be installed.
    fn installed(self) -> Option<PathBuf> {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("orms")
            .join(self.folder());
        fs::create_dir_all(&kept).expect("a folder");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/nplusone/apps")
            .join(self.folder());
        for entry in fs::read_dir(programs).expect("the programs") {
            let path = entry.expect("a file").path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                fs::copy(&path, kept.join(name)).expect("a copy");
            }
        }
        let list = match self {
            Self::PyPi => "requirements.txt",
            Self::Npm => "package.json",
        };
        let wanted = fs::read_to_string(kept.join(list)).expect("a list of packages");
        let done = kept.join("installed.txt");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
            return Some(kept);
        }
        let installed = Command::new("sh")
            .args(["-c", self.install()])
            .current_dir(&kept)
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        if !installed.status.success() {
            println!(
                "skipped: `{}` failed: {}",
                self.install(),
                String::from_utf8_lossy(&installed.stderr)
            );
            return None;
        }
        fs::write(done, wanted).expect("a note of what is installed");
        Some(kept)
    }
}

/// A server with the shop, and where the programs are that load its rows.
struct Shop {
    registry: Registry,
    folder: PathBuf,
    cluster: Cluster,
}

impl Shop {
    /// `None` where the packages cannot be installed.
    fn new(registry: Registry) -> Option<Self> {
        let folder = registry.installed()?;
        let cluster = builder(MAIN_MAJOR)
            .tcp()
            .setting("log_min_duration_statement", "0")
            .setting("log_line_prefix", "%m [%p] %q%u@%d ")
            .start()
            .expect("a server");
        cluster.create_database(DATABASE).expect("a database");
        let grants = format!(
            "CREATE EXTENSION pg_stat_statements; CREATE ROLE {ROLE} LOGIN;
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}"
        );
        cluster.execute(DATABASE, SHOP).expect("the shop");
        cluster.execute(DATABASE, &grants).expect("a role");
        Some(Self {
            registry,
            folder,
            cluster,
        })
    }

    /// A client's program with a scenario: once, or again and again for so many seconds.
    fn program(&self, client: &str, scenario: &str, seconds: u32) -> Command {
        let program = format!("{client}_app.{}", self.registry.extension());
        let interpreter = match self.registry {
            Registry::PyPi => self.folder.join(self.registry.interpreter()),
            Registry::Npm => PathBuf::from(self.registry.interpreter()),
        };
        let mut command = Command::new(interpreter);
        command
            .arg(program)
            .arg(self.cluster.tcp_uri_as(ROLE, DATABASE))
            .args([scenario, &seconds.to_string()])
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs a client's program once.
    fn run(&self, client: &str, scenario: &str) {
        let run = self.program(client, scenario, 0).output();
        let run = run.expect("the program runs");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{client} {scenario}: {errors}");
    }

    fn reset(&self) {
        self.cluster
            .execute(DATABASE, "SELECT pg_stat_statements_reset()")
            .expect("a reset");
    }

    /// The loops that are found with these arguments.
    fn found(&self, arguments: &[&str]) -> BTreeSet<Found> {
        let uri = self.cluster.uri(DATABASE);
        let all = [&uri, "--probe", "none", "--format", "json"];
        let report = pgtriage(&[&all, arguments].concat()).expect(0);
        loops(&report.json())
    }

    /// The loops that the counters tell after one run, and those that they and the log of it tell.
    fn counted_and_logged(&self, client: &str, scenario: &str) -> [BTreeSet<Found>; 2] {
        self.reset();
        let before = self.cluster.log().len();
        self.run(client, scenario);
        let log = self.cluster.log();
        let log = log.get(before..).expect("a log that grows");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server.log");
        fs::write(&file, log).expect("a log file");
        [self.found(&[]), self.found(&["--log", text(&file)])]
    }

    /// The loops of a window in which one client loops again and again, and another one loads rows together.
    fn measured(&self, looping: &str, eager: &str) -> BTreeSet<Found> {
        self.reset();
        let start = |client: &str, scenario: &str| {
            let mut program = self.program(client, scenario, 60);
            Running(program.spawn().expect("the program runs"))
        };
        let running = [start(looping, "nested"), start(eager, "eager")];
        let seen = "SELECT count(*) > 8 FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE rolname = 'app'";
        wait_until(&self.cluster, seen, "t");
        let found = self.found(&["--window", "30s"]);
        drop(running);
        found
    }

    /// A window proves the loops of one client, and finds nothing in the other one's work.
    fn proves_loops(&self, looping: &str, eager: &str) {
        let wanted = expected(&BY_KEY, "measured");
        let mut found = BTreeSet::new();
        // A machine with other work may hold the loop up between two sub-windows.
        for _ in 0..3 {
            found = self.measured(looping, eager);
            if found == wanted {
                return;
            }
        }
        assert_eq!(found, wanted, "{looping}");
    }

    /// Lazy loops are counted with the right parents and proven by the log; the same rows loaded together are not
    /// found.
    fn tells_loops(&self, client: &str, nested: [Pair; 2]) {
        let lazy = [("books(author_id)", "authors")];
        for (scenario, pairs) in [("lazy", &lazy[..]), ("nested", &nested), ("eager", &[])] {
            let [counted, logged] = self.counted_and_logged(client, scenario);
            assert_eq!(counted, expected(pairs, "counted"), "{client} {scenario}");
            assert_eq!(logged, expected(pairs, "measured"), "{client} {scenario}");
        }
    }
}

/// A program that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have come to its end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A look-up and its parent.
type Pair = (&'static str, &'static str);

/// A loop of a report: look-up, parent, confidence.
type Found = [String; 3];

fn loops(report: &Value) -> BTreeSet<Found> {
    let found = report["bottlenecks"].as_array().expect("findings").iter();
    let loops = found.filter(|finding| finding["type"] == "n_plus_one");
    loops
        .map(|finding| {
            let id = finding["id"].as_str().expect("an id");
            let (look_up, rest) = id.split_once(" for each of ").expect("a parent");
            let (parent, _) = rest.split_once(" #").expect("a family");
            let look_up = look_up.trim_start_matches("n_plus_one:");
            let confidence = finding["confidence"].as_str().expect("a confidence");
            [look_up, parent, confidence].map(str::to_owned)
        })
        .collect()
}

fn expected(pairs: &[Pair], confidence: &str) -> BTreeSet<Found> {
    pairs
        .iter()
        .map(|(look_up, parent)| {
            let name = |text: &str| format!("public.{text}");
            [name(look_up), name(parent), confidence.to_owned()]
        })
        .collect()
}

const BY_KEY: [Pair; 2] = [("items(order_id)", "orders"), ("books(id)", "items")];

#[test]
fn loops_of_python_s_mappers_are_found() {
    if let Some(shop) = Shop::new(Registry::PyPi) {
        for client in ["django", "peewee", "sqlalchemy"] {
            shop.tells_loops(client, BY_KEY);
        }
        shop.proves_loops("django", "sqlalchemy");
    }
}

#[test]
fn loops_of_javascript_s_mappers_are_found() {
    if let Some(shop) = Shop::new(Registry::Npm) {
        shop.tells_loops("knex", BY_KEY);
        shop.tells_loops("sequelize", BY_KEY);
        // Its loader of one row joins from the row that it is for.
        let from_the_row = [("items(order_id)", "orders"), ("items(id)", "items")];
        shop.tells_loops("typeorm", from_the_row);
        shop.proves_loops("knex", "sequelize");
    }
}
