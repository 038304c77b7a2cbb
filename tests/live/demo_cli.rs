//! `pgtriage demo` as a user runs it: to its end, interrupted, and with its server kept. What it leaves behind is what
//! it said.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{MAIN_MAJOR, PATIENCE, bin_dir};

/// A directory for temporary files that the server's user can reach, too.
fn place() -> TempDir {
    let place = tempfile::Builder::new()
        .prefix("demo")
        .tempdir_in("/tmp")
        .expect("a directory");
    let everybody = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(place.path(), everybody).expect("its permissions");
    place
}

fn demo(place: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtriage"));
    command
        .args(["demo", "--scale", "1", "--format", "json"])
        .args(flags)
        .env("TMPDIR", place)
        .env("PGTRIAGE_PG_BIN", bin_dir(MAIN_MAJOR))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Processes whose command line names the directory.
fn processes(place: &Path) -> Vec<String> {
    let name = place.to_string_lossy().into_owned();
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&name))
        .collect()
}

fn entries(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).expect("the directory");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// Panics unless processes and files are gone in time.
fn assert_gone(place: &Path) {
    let begin = Instant::now();
    loop {
        let left = (processes(place), entries(place));
        if left.0.is_empty() && left.1.is_empty() {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{left:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the server is up.
fn started(place: &Path, child: &mut Child) {
    let begin = Instant::now();
    let up = || {
        let directories = entries(place);
        let mut pid_files = directories
            .iter()
            .map(|entry| place.join(entry).join("data/postmaster.pid"));
        pid_files.any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("ready")))
    };
    while !up() {
        assert!(child.try_wait().expect("a state").is_none(), "it ended");
        assert!(begin.elapsed() < Duration::from_secs(60), "no server");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_demo_leaves_nothing() {
    let place = place();
    let run = demo(place.path(), &[]).output().expect("the program runs");
    assert!(run.status.success(), "{run:?}");
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("a report");
    assert_eq!(report["target"]["role"], "triage");
    assert_gone(place.path());
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let place = place();
        let mut child = demo(place.path(), &[]).spawn().expect("the program starts");
        started(place.path(), &mut child);
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
        let end = child.wait().expect("an end");
        assert_eq!(end.code(), code, "SIG{signal}");
        assert_gone(place.path());
    }
}

#[test]
fn a_kept_server_answers_until_the_printed_command_removes_it() {
    let place = place();
    let report = place.path().join("report.json");
    let output = report.to_string_lossy().into_owned();
    let run = demo(place.path(), &["--keep", "--output", &output])
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{run:?}");
    fs::remove_file(report).expect("the report");
    let said = String::from_utf8(run.stdout).expect("text");
    let after = |words: &str| {
        let found = said.lines().find_map(|line| line.split_once(words));
        found.unwrap_or_else(|| panic!("no {words:?} in {said}")).1
    };

    let uri = after("left running: ");
    let again = Command::new(env!("CARGO_BIN_EXE_pgtriage"))
        .args([uri, "--probe", "none", "--format", "json", "--quiet"])
        .output()
        .expect("the program runs");
    assert!(again.status.success(), "{again:?}");

    let removal = after("stop and remove it: ");
    let removed = Command::new("sh").args(["-c", removal]).status();
    assert!(removed.expect("a shell").success(), "{removal}");
    assert_gone(place.path());
}
