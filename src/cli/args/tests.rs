use super::*;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::read(std::iter::once("pgtriage").chain(words.iter().copied()))
}

#[test]
fn definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn diagnose_is_the_default() {
    let cli = parse(&["postgres://db/shop", "--top", "5"]).unwrap();
    assert!(cli.command.is_none());
    assert_eq!(
        cli.diagnose.connection.target.as_deref(),
        Some("postgres://db/shop")
    );
    assert_eq!(cli.diagnose.workload.top, 5);
}

#[test]
fn flags_of_every_command_may_stand_anywhere() {
    for words in [
        &["-v", "diagnose", "shop"][..],
        &["diagnose", "-v", "shop"],
        &["diagnose", "shop", "-v"],
        &["-v", "shop"],
    ] {
        assert!(parse(words).unwrap().global.verbose, "{words:?}");
    }
}

#[test]
fn h_is_the_host() {
    let cli = parse(&[
        "diagnose", "-h", "db", "-p", "5433", "-U", "me", "-d", "shop",
    ])
    .unwrap();
    let Some(Command::Diagnose(args)) = cli.command else {
        panic!("{:?}", cli.command)
    };
    assert_eq!(args.connection.server.host.as_deref(), Some("db"));
    assert_eq!(args.connection.server.port.as_deref(), Some("5433"));
    assert_eq!(args.connection.server.username.as_deref(), Some("me"));
    assert_eq!(args.connection.dbname.as_deref(), Some("shop"));
}

#[test]
fn bad_values_are_refused() {
    for words in [
        &["--format", "xml"][..],
        &["--timeout", "soon"],
        &["--budget", "0s"],
        &["--budget", "9223372036854775807s"],
        &["--timeout", "700h"],
        &["--set", "work_mem"],
        &["--set", "work mem=1"],
        &["--top", "many"],
        &["a", "-d", "b"],
        &["--from", "x.json", "-h", "db"],
        &["--from", "x.json", "--probe", "none"],
        &["--from", "x.json", "--budget", "5s"],
        &["--from", "x.json", "--analyze-writes"],
        &["--from", "x.json", "--top", "5"],
        &["--from", "x.json", "--set", "work_mem=1MB"],
        &["--from", "x.json", "--trust-owner", "app"],
        &["capture"],
        &["--top", "5", "diagnose"],
        &["shop", "diagnose"],
        &["--format", "json", "rules"],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}

#[test]
fn a_capture_goes_with_every_flag_of_the_report() {
    let words = [
        "diagnose",
        "--from",
        "x.json",
        "-w",
        "--only",
        "sort_spill",
        "--show-literals",
    ];
    assert!(parse(&words).is_ok());
}

#[test]
fn help_has_its_flags() {
    for words in [
        &["-?"][..],
        &["--help"],
        &["diagnose", "--help"],
        &["capture", "-?"],
    ] {
        let error = parse(words).unwrap_err();
        assert_eq!(
            error.kind(),
            clap::error::ErrorKind::DisplayHelp,
            "{words:?}"
        );
    }
}

/// The words of a command as a shell would part them, up to what ends it.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut escaped) = (None, false);
    for c in command.chars() {
        match (c, quote) {
            _ if std::mem::take(&mut escaped) => words.last_mut().unwrap().push(c),
            ('\\', None | Some('"')) => escaped = true,
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            ('|' | '#' | '`' | '&' | '>', None) => break,
            (' ', None) => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_that_the_documents_name_is_one() {
    let pages = crate::checks::CHECKS.iter().map(|check| check.meta().page);
    let documents = [
        include_str!("../../../README.md"),
        include_str!("../../../CHANGELOG.md"),
        include_str!("../../../docs/check.md"),
        include_str!("../../../.pre-commit-hooks.yaml"),
        include_str!("../../../action.yml"),
    ];
    let begins = regex::Regex::new(r"(?m)(?:^(?:\$ | *- )?|`|&& |entry: )pgtriage ").unwrap();
    let mut checked = 0;
    for text in documents.into_iter().chain(pages) {
        for found in begins.find_iter(text) {
            let line = text[found.end()..].lines().next().unwrap();
            let words = words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(error) = parse(&words) {
                panic!("pgtriage {line}: {error}");
            }
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}
