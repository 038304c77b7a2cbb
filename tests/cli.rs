//! The program as a shell sees it: exit codes, one line for an error, closed pipes. No server is needed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so at once"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use tempfile::TempDir;

struct Outcome {
    code: i32,
    stdout: String,
    stderr: String,
}

fn program() -> Command {
    let mut command = Command::cargo_bin("pgtriage").unwrap();
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Outcome {
    run_in(Path::new("."), arguments)
}

fn run_in(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut program = program();
    let output = program
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asserts exit code 2 and one line on standard error that holds all of `words`.
fn refuses(arguments: &[&str], words: &[&str]) {
    let outcome = run(arguments);
    assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    assert_eq!(outcome.stdout, "", "{arguments:?}");
    assert_eq!(
        outcome.stderr.lines().count(),
        1,
        "{arguments:?}: {}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.starts_with("pgtriage: "),
        "{}",
        outcome.stderr
    );
    for word in words {
        assert!(
            outcome.stderr.contains(word),
            "{arguments:?}: no {word:?} in {}",
            outcome.stderr
        );
    }
}

#[test]
fn bad_arguments_get_one_line_and_exit_2() {
    for (arguments, words) in [
        (
            &["--format", "xml"][..],
            &["xml", "--format", "terminal"][..],
        ),
        (&["--colour", "always"], &["--colour"]),
        (&["--top", "many"], &["many", "--top"]),
        (&["--timeout", "soon"], &["soon", "--timeout", "10s"]),
        (&["--set", "work_mem"], &["work_mem", "NAME=VALUE"]),
        (
            &["--set", "search_path=evil", "postgres://127.0.0.1:1/x"],
            &["search_path"],
        ),
        (
            &["--only", "slow_statment", "--from", "x"],
            &["slow_statment", "slow_statement"],
        ),
        (&["rules", "no_such_check"], &["no_such_check", "rules"]),
        (&["capture"], &["--output"]),
        (&["a", "-d", "b"], &["-d"]),
        (&["completions", "tcsh"], &["tcsh"]),
    ] {
        refuses(arguments, words);
    }
}

#[test]
fn bad_targets_get_one_line_and_exit_2() {
    for (arguments, words) in [
        (
            &["postgres://127.0.0.1:1/shop?connect_timeout=2"][..],
            &["127.0.0.1", "1", "shop", "refused"][..],
        ),
        (
            &["host=/nonexistent dbname=shop"],
            &["/nonexistent", "shop"],
        ),
        (
            &["postgres://127.0.0.1:1/shop?sslmode=perhaps"],
            &["sslmode", "perhaps"],
        ),
        (&["host=127.0.0.1 hosst=b"], &["hosst"]),
        (&["-h", "127.0.0.1", "-p", "seven"], &["seven"]),
    ] {
        refuses(arguments, words);
    }
}

#[test]
fn a_password_is_never_printed() {
    for target in [
        "postgres://me:s3cr3t@127.0.0.1:1/shop",
        "postgres://me:s3cr3t@127.0.0.1:port/shop",
        "host=127.0.0.1 port=1 password=s3cr3t",
        "host=127.0.0.1 password='s3cr3t",
    ] {
        for verbose in ["-v", "-q"] {
            let outcome = run(&[target, verbose]);
            assert_eq!(outcome.code, 2);
            assert!(!outcome.stderr.contains("s3cr3t"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn unreadable_captures_get_one_line_and_exit_2() {
    let folder = TempDir::new().unwrap();
    for (name, content, words) in [
        ("empty.json", &b""[..], &["empty"][..]),
        ("text.json", b"Seq Scan on orders", &["JSON"]),
        (
            "truncated.json",
            br#"{"capture_version": 1, "tool_version": "0.1.0", "captu"#,
            &["truncated"],
        ),
        (
            "newer.json",
            br#"{"capture_version": 999}"#,
            &["999", "newer"],
        ),
        ("other.json", br#"[{"Plan": {}}]"#, &["capture"]),
        ("binary.json", &[0xff, 0xfe, 0x00], &["JSON"]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let path = path.to_str().unwrap();
        let mut expected = vec![name];
        expected.extend(words);
        refuses(&["diagnose", "--from", path], &expected);
    }
    refuses(
        &["--from", "/nonexistent/capture.json"],
        &["/nonexistent/capture.json"],
    );
}

#[test]
fn thresholds_come_from_the_settings_file() {
    let folder = TempDir::new().unwrap();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let fixture = "testdata/checks/planning_dominant/fires/at_both_thresholds.json";
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    let arguments = ["--format", "json", "--from", capture.to_str().unwrap()];
    let report = |settings: &str| -> (i32, serde_json::Value) {
        fs::write(folder.path().join("pgtriage.toml"), settings).unwrap();
        let outcome = run_in(&below, &arguments);
        (outcome.code, serde_json::from_str(&outcome.stdout).unwrap())
    };
    let fires = |report: &serde_json::Value| {
        let mut findings = report["bottlenecks"].as_array().unwrap().iter();
        findings.any(|finding| finding["type"] == "planning_dominant")
    };

    let (_, usual) = report("fail_on = \"never\"\n");
    assert!(fires(&usual), "{usual}");

    let (code, moved) = report("[thresholds.planning_dominant]\nmin_planning_ms = 50.5\n");
    assert!(!fires(&moved), "{moved}");
    assert_eq!(code, 0);
    let caveats = moved["caveats"].as_array().unwrap();
    let told =
        "set by the settings file: thresholds.planning_dominant.min_planning_ms = 50.5 (default 5)";
    assert!(caveats.iter().any(|caveat| caveat == told), "{caveats:?}");

    let text = fs::read_to_string(&capture).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan = below.join("plan.json");
    fs::write(&plan, format!("[{}]", saved["plans"][0]["plan"])).unwrap();
    let explain = ["explain", "--format", "json", "--plan", "plan.json"];
    let explained: serde_json::Value =
        serde_json::from_str(&run_in(&below, &explain).stdout).unwrap();
    assert!(!fires(&explained), "{explained}");
    fs::remove_file(folder.path().join("pgtriage.toml")).unwrap();
    let explained: serde_json::Value =
        serde_json::from_str(&run_in(&below, &explain).stdout).unwrap();
    assert!(fires(&explained), "{explained}");

    fs::write(
        folder.path().join("pgtriage.toml"),
        "\n[thresholds.planning_dominant]\nmin_planing_ms = 50\n",
    )
    .unwrap();
    let outcome = run_in(&below, &arguments);
    assert_eq!(outcome.code, 2);
    for word in ["pgtriage.toml", "line 3", "did you mean min_planning_ms?"] {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
}

#[test]
fn what_the_program_says_of_itself() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for word in [
        "diagnose",
        "capture",
        "rules",
        "grants",
        "demo",
        "--host",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "no {word} in help");
    }
    assert_eq!(run(&["-?"]).code, 0);
    assert!(run(&["--version"]).stdout.starts_with("pgtriage "));
    assert!(run(&["man"]).stdout.contains(".TH pgtriage"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            run(&["completions", shell]).stdout.contains("pgtriage"),
            "{shell}"
        );
    }
    let rules = run(&["rules"]);
    assert!(rules.stdout.contains("seq_scan_selective"));
    let page = run(&["rules", "implicit_cast"]).stdout;
    for word in [
        "When this is wrong",
        "thresholds.seq_scan_selective.min_rows_read",
        "10000",
    ] {
        assert!(page.contains(word), "{page}");
    }
    assert!(
        run(&["grants", "--role", "Odd \"role"])
            .stdout
            .contains("\"Odd \"\"role\"")
    );
}

#[test]
fn a_closed_pipe_is_success() {
    let mut child = program()
        .args(["rules"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn the_demo_refuses_a_flag_before_it_starts_a_server() {
    let outcome = program()
        .args(["demo", "--only", "typo"])
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(outcome.status.code(), Some(2));
    let message = String::from_utf8(outcome.stderr).unwrap();
    assert!(message.contains("unknown check"), "{message}");
}
