//! `scripts/bench logs`: logs of each format, read by pgtriage on one core, and read and digested as `--log` does,
//! against pgBadger and `wc -l` on the same file, and the memory that this takes at two sizes.
//!
//! The logs are made here: sessions of an application that logs all statements, by the extended and by the simple
//! protocol, with connections, checkpoints and errors between them. `PGTRIAGE_BENCH_LOG_MB` sets their size, 1024 by
//! default.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark is a program for developers; it stops where it cannot measure"
)]

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use pgtriage::collect::log_files::LogFiles;
use pgtriage::logs::{Digest, Logged};

/// Asks this program to read the file that follows, and to print how long it took.
const READ: &str = "--read-log";

/// The same, with all that is made of the statements.
const DIGEST: &str = "--digest-log";

/// Prefix of the lines of stderr's format.
const PREFIX: &str = "%m [%p] %q%u@%d ";

/// Runs of what takes seconds only; the fastest counts.
const RUNS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Stderr,
    Csv,
    Json,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Csv => "csvlog",
            Self::Json => "jsonlog",
        }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, what, path] = arguments.as_slice()
        && (what == READ || what == DIGEST)
    {
        read(what, &path.into());
        return;
    }
    let megabytes: u64 = env::var("PGTRIAGE_BENCH_LOG_MB")
        .ok()
        .and_then(|size| size.parse().ok())
        .unwrap_or(1024);
    let badger = Command::new("pgbadger").arg("--version").output().is_ok();
    if !badger {
        println!(
            "pgbadger is not installed and not compared with; apt-get install pgbadger libtext-csv-xs-perl libjson-xs-perl"
        );
    }
    let work = tempfile::tempdir().expect("a directory for temporary files");
    println!("{megabytes} MB of each format, one core; MB/s");
    for format in [Format::Stderr, Format::Csv, Format::Json] {
        let size = megabytes * 1_000_000;
        let whole = work.path().join(format!("log.{}", format.name()));
        let tenth = work.path().join(format!("tenth.{}", format.name()));
        write(format, size, &whole);
        write(format, size / 10, &tenth);
        compare(format, &whole, &tenth, badger, work.path());
        fs::remove_file(whole).expect("a file");
        fs::remove_file(tenth).expect("a file");
    }
}

/// Reads a file, and prints seconds, statements and peak memory in KiB.
fn read(what: &str, path: &PathBuf) {
    let start = Instant::now();
    let files = LogFiles::open(std::slice::from_ref(path), None).expect("a log");
    let mut digest = Digest::new(None, None);
    let mut statements = 0_u64;
    let each = |logged: &Logged<'_>| {
        statements += 1;
        if what == DIGEST {
            digest.add(logged);
        }
    };
    let tally = files.read(|_, _| true, each).expect("a log");
    assert!(tally.skipped.is_empty(), "{:?}", tally.skipped);
    let logs = digest.finish(Vec::new(), &tally);
    assert!(what == READ || logs.executions > 0, "statements");
    println!(
        "{} {statements} {}",
        start.elapsed().as_secs_f64(),
        peak_kib()
    );
}

/// The most memory that this process ever had (`/proc/self/status`).
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of kB")
}

struct Ours {
    seconds: f64,
    statements: u64,
    peak_kib: u64,
}

fn compare(format: Format, whole: &Path, tenth: &Path, badger: bool, work: &Path) {
    let bytes = fs::metadata(whole).expect("a file").len();
    let megabytes = u32::try_from(bytes / 1000).map_or(f64::NAN, f64::from) / 1000.0;
    let digested = ours(DIGEST, whole);
    let mut line = format!(
        "{:<8} read {:>6.1}  read and digested {:>6.1}  wc -l {:>7.1}",
        format.title(),
        megabytes / ours(READ, whole).seconds,
        megabytes / digested.seconds,
        megabytes / fastest(|| seconds(on_one_core("wc").arg("-l").arg(whole))),
    );
    if badger {
        let took = seconds(&mut pgbadger(format, whole, &work.join("report.html")));
        let times = took / digested.seconds;
        let rate = megabytes / took;
        let _ = write!(line, "  pgBadger {rate:>5.1}, {times:.0} times as long");
    }
    println!("{line}");
    println!(
        "         {} statements; peak memory {} KiB, of a tenth of the log {} KiB",
        digested.statements,
        digested.peak_kib,
        ours(DIGEST, tenth).peak_kib
    );
}

fn pgbadger(format: Format, log: &Path, report: &Path) -> Command {
    let mut command = on_one_core("pgbadger");
    command
        .args(["--quiet", "--jobs", "1", "--outfile"])
        .arg(report);
    // pgBadger calls it after the setting.
    let name = if format == Format::Json {
        "jsonlog"
    } else {
        format.name()
    };
    command.args(["--format", name]);
    if format == Format::Stderr {
        command.args(["--prefix", PREFIX]);
    }
    command.arg(log);
    command
}

fn on_one_core(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}

fn fastest(run: impl Fn() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// This program again, on one core and with memory of its own; the fastest of its runs.
fn ours(what: &str, path: &Path) -> Ours {
    let runs = (0..RUNS).map(|_| run(what, path));
    let fastest = runs.min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    fastest.expect("a run")
}

fn run(what: &str, path: &Path) -> Ours {
    let program = env::current_exe().expect("this program");
    let mut command = on_one_core(program.to_str().expect("a path"));
    let output = command.arg(what).arg(path).output().expect("taskset");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<&str> = text.split_whitespace().collect();
    let [seconds, statements, peak] = numbers.as_slice() else {
        panic!("{text}");
    };
    Ours {
        seconds: seconds.parse().expect("a number"),
        statements: statements.parse().expect("a number"),
        peak_kib: peak.parse().expect("a number"),
    }
}

fn seconds(command: &mut Command) -> f64 {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("a program");
    assert!(status.success(), "{command:?}");
    start.elapsed().as_secs_f64()
}

/// A small generator of numbers, the same on every run (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Statements by the extended protocol, with how many parameters.
const PREPARED: &[(&str, u64)] = &[
    (
        "SELECT \"orders\".* FROM \"orders\" WHERE \"orders\".\"customer_id\" = $1 ORDER BY \"orders\".\"id\" DESC LIMIT $2",
        2,
    ),
    (
        "SELECT \"items\".* FROM \"items\" WHERE \"items\".\"order_id\" = $1",
        1,
    ),
    (
        "select c.id, c.name, c.email, c.created_at, c.updated_at from customers c where c.id = $1",
        1,
    ),
    (
        "UPDATE stock\n   SET quantity = quantity - $1,\n       updated_at = now()\n WHERE product_id = $2\n   AND warehouse_id = $3",
        3,
    ),
    (
        "INSERT INTO audit (at, actor, action, subject, payload) VALUES (now(), $1, $2, $3, $4)",
        4,
    ),
    ("BEGIN", 0),
    ("COMMIT", 0),
];

/// Statements by the simple protocol; # stands for a number.
const SIMPLE: &[&str] = &[
    "SELECT count(*) FROM sessions WHERE user_id = # AND expires_at > '2026-01-01 00:00:#'",
    "SELECT p.id, p.title, p.price,\n       s.quantity\n  FROM products p\n  JOIN stock s ON s.product_id = p.id\n WHERE p.category_id = #\n   AND s.quantity > 0\n ORDER BY p.price\n LIMIT 20",
    "UPDATE sessions SET seen_at = now() WHERE token = 'a#b#c#'",
    "SELECT pg_advisory_unlock(#)",
];

/// What else servers log.
const OTHER: &[(&str, &str)] = &[
    (
        "LOG",
        "checkpoint complete: wrote 1712 buffers (10.4%); 0 WAL file(s) added, 0 removed, 1 recycled",
    ),
    ("LOG", "connection received: host=10.0.0.# port=5#"),
    (
        "ERROR",
        "duplicate key value violates unique constraint \"customers_email_key\"",
    ),
    (
        "LOG",
        "automatic vacuum of table \"shop.public.sessions\": index scans: 1",
    ),
];

/// Writes a log of about this size.
fn write(format: Format, size: u64, path: &Path) {
    let mut to = Writer {
        format,
        out: BufWriter::with_capacity(1 << 20, File::create(path).expect("a file")),
        text: String::new(),
        written: 0,
        millis: 0,
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    while to.written < size {
        to.millis += random.below(3);
        let session = 1000 + random.below(40);
        match random.below(100) {
            0..60 => prepared(&mut to, session, &mut random),
            60..98 => {
                let pick = usize::try_from(random.below(4)).expect("small");
                let text = numbered(SIMPLE[pick], &mut random);
                let message = format!("duration: {} ms  statement: {text}", duration(&mut random));
                to.entry(session, "LOG", &message, None);
            }
            _ => {
                let pick = usize::try_from(random.below(4)).expect("small");
                let (severity, text) = OTHER[pick];
                to.entry(session, severity, &numbered(text, &mut random), None);
            }
        }
    }
    to.out.flush().expect("space for the log");
}

fn prepared(to: &mut Writer, session: u64, random: &mut Random) {
    let pick = usize::try_from(random.below(PREPARED.len() as u64)).expect("small");
    let (text, parameters) = PREPARED[pick];
    let values: Vec<String> = (1..=parameters)
        .map(|number| format!("${number} = '{}'", random.below(1_000_000)))
        .collect();
    let detail = (parameters > 0).then(|| format!("parameters: {}", values.join(", ")));
    for step in ["parse", "bind", "execute"] {
        // Prepared statements are parsed once.
        if step == "parse" && random.below(4) > 0 {
            continue;
        }
        let message = format!("duration: {} ms  {step} S_{pick}: {text}", duration(random));
        let detail = detail.as_deref().filter(|_| step != "parse");
        to.entry(session, "LOG", &message, detail);
    }
}

fn duration(random: &mut Random) -> String {
    let whole = if random.below(50) == 0 {
        random.below(2000)
    } else {
        random.below(3)
    };
    format!("{whole}.{:03}", random.below(1000))
}

fn numbered(text: &str, random: &mut Random) -> String {
    text.chars().fold(String::new(), |mut made, letter| {
        if letter == '#' {
            let _ = write!(made, "{}", random.below(100_000));
        } else {
            made.push(letter);
        }
        made
    })
}

struct Writer {
    format: Format,
    out: BufWriter<File>,
    text: String,
    written: u64,
    millis: u64,
}

impl Writer {
    fn entry(&mut self, session: u64, severity: &str, message: &str, detail: Option<&str>) {
        let (seconds, millis) = (self.millis / 1000, self.millis % 1000);
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        let day = 1 + seconds / 86_400 % 28;
        let at = format!(
            "2026-01-{day:02} {hours:02}:{minutes:02}:{:02}.{millis:03} UTC",
            seconds % 60
        );
        let line = Line {
            at: &at,
            session,
            severity,
            message,
            detail,
        };
        self.text.clear();
        let text = &mut self.text;
        let _ = match self.format {
            Format::Stderr => stderr(text, &line),
            Format::Csv => csv(text, &line),
            Format::Json => json(text, &line),
        };
        self.out
            .write_all(self.text.as_bytes())
            .expect("space for the log");
        self.written += self.text.len() as u64;
    }
}

/// What every format says of an entry.
struct Line<'a> {
    at: &'a str,
    session: u64,
    severity: &'a str,
    message: &'a str,
    detail: Option<&'a str>,
}

fn stderr(to: &mut String, line: &Line<'_>) -> std::fmt::Result {
    let Line {
        at,
        session,
        severity,
        message,
        detail,
    } = line;
    let tabbed = message.replace('\n', "\n\t");
    writeln!(to, "{at} [{session}] web@shop {severity}:  {tabbed}")?;
    detail.map_or(Ok(()), |detail| {
        writeln!(to, "{at} [{session}] web@shop DETAIL:  {detail}")
    })
}

fn csv(to: &mut String, line: &Line<'_>) -> std::fmt::Result {
    let Line {
        at,
        session,
        severity,
        message,
        detail,
    } = line;
    let message = message.replace('"', "\"\"");
    let detail = detail.map_or(String::new(), |detail| format!("\"{detail}\""));
    writeln!(
        to,
        "{at},\"web\",\"shop\",{session},\"10.0.0.1:4242\",6955b600.{session:x},7,\"SELECT\",\
         2026-01-01 00:00:00 UTC,3/17,0,{severity},00000,\"{message}\",{detail},,,,,,,,\"puma: worker\",\
         \"client backend\",,-4503321927398812093"
    )
}

fn json(to: &mut String, line: &Line<'_>) -> std::fmt::Result {
    let Line {
        at,
        session,
        severity,
        message,
        detail,
    } = line;
    let escaped = message.replace('"', "\\\"").replace('\n', "\\n");
    let detail = detail.map_or(String::new(), |detail| format!(",\"detail\":\"{detail}\""));
    writeln!(
        to,
        "{{\"timestamp\":\"{at}\",\"user\":\"web\",\"dbname\":\"shop\",\"pid\":{session},\"remote_host\":\"10.0.0.1\",\
         \"remote_port\":4242,\"session_id\":\"6955b600.{session:x}\",\"line_num\":7,\"ps\":\"SELECT\",\
         \"session_start\":\"2026-01-01 00:00:00 UTC\",\"vxid\":\"3/17\",\"txid\":0,\"error_severity\":\"{severity}\",\
         \"message\":\"{escaped}\"{detail},\"application_name\":\"puma: worker\",\"backend_type\":\"client backend\",\
         \"query_id\":-4503321927398812093}}"
    )
}
