//! Prefixes, given and found out.

use super::*;

/// What a prefix finds in a line: session, process, user, database, application, transaction, and the message.
fn found(prefix: &LinePrefix, line: &str) -> Option<String> {
    let line = line.as_bytes();
    let head = prefix.head(line)?;
    let spans = [
        ("c", head.session),
        ("p", head.process),
        ("s", head.started),
        ("u", head.user),
        ("d", head.database),
        ("a", head.application),
        ("v", head.transaction),
        ("Q", head.query_id),
    ];
    let mut words: Vec<String> = spans
        .iter()
        .filter_map(|(name, span)| {
            Some(format!(
                "{name}={}",
                String::from_utf8_lossy(span.of(line)?)
            ))
        })
        .collect();
    words.push(format!("{}", head.at.map_or(0, |at| at / 1_000_000)));
    words.push(String::from_utf8_lossy(&line[head.message..]).into_owned());
    Some(words.join(" "))
}

/// Settings, lines that were written with them, and what is in the lines.
const CASES: &[(&str, &str, &str)] = &[
    (
        "%m [%p] ",
        "2026-01-01 00:00:00.000 UTC [123] LOG:  duration: 1 ms",
        "p=123 1767225600 duration: 1 ms",
    ),
    (
        "%m [%p] %q%u@%d ",
        "2026-01-01 00:00:00.000 UTC [123] web@shop LOG:  x",
        "p=123 u=web d=shop 1767225600 x",
    ),
    (
        "%m [%p] %q%u@%d ",
        "2026-01-01 00:00:00.000 UTC [123] LOG:  x",
        "p=123 1767225600 x",
    ),
    (
        "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
        "2026-01-01 00:00:00 UTC [123]: [7-1] user=web,db=shop,app=a, b,client=[local] LOG:  x",
        "p=123 u=web d=shop a=a, b 1767225600 x",
    ),
    (
        "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
        "2026-01-01 00:00:00 UTC [123]: [7-1] user=,db=,app=,client= LOG:  x",
        "p=123 1767225600 x",
    ),
    (
        "%t:%r:%u@%d:[%p]:",
        "2026-01-01 00:00:00 UTC:fe80::1(5432):web@shop:[123]:LOG:  x",
        "p=123 u=web d=shop 1767225600 x",
    ),
    (
        "%t-%c-",
        "2026-01-01 00:00:00 UTC-6955b600.7b-LOG:  x",
        "c=6955b600.7b 1767225600 x",
    ),
    (
        "%n %-8p|%10u|%d|%v|%x|%e|%Q|%s ",
        "1767225600.123 123     |       web|shop|3/17|0|00000|-42|2026-01-01 00:00:00 UTC LOG:  x",
        "p=123 s=2026-01-01 00:00:00 UTC u=web d=shop v=3/17 Q=-42 1767225600 x",
    ),
    ("%p%%%a", "123%psqlLOG:  x", "p=123 a=psql 0 x"),
    (
        "%m [%p] %b %P %i %L %r ",
        "2026-01-01 00:00:00.000 UTC [1] client backend  SELECT 127.0.0.1 10.0.0.1(5) LOG:  x",
        "p=1 1767225600 x",
    ),
    ("", "LOG:  x", "0 x"),
    (
        "%b %u@%d ",
        "client backend web@shop LOG:  x",
        "u=web d=shop 0 x",
    ),
    ("%u@%d ", "the web@a shop LOG:  x", "u=the web d=a shop 0 x"),
];

#[test]
fn lines_are_taken_apart_by_a_given_prefix() {
    for (setting, line, expected) in CASES {
        let prefix = LinePrefix::new(setting);
        assert_eq!(
            found(&prefix, line).as_deref(),
            Some(*expected),
            "{setting} {line}"
        );
    }
}

#[test]
fn lines_of_another_prefix_do_not_match() {
    for (setting, line) in [
        (
            "%m [%p] ",
            "2026-01-01 00:00:00.000 UTC [123] web@shop LOG:  x",
        ),
        ("%m [%p] ", "2026-01-01 00:00:00.000 UTC [12"),
        (
            "%m [%p] %u@%d ",
            "2026-01-01 00:00:00.000 UTC [123] LOG:  x",
        ),
        ("%m [%p] ", ""),
        ("%a %a %a %a %a %a ", &"a ".repeat(500)),
    ] {
        assert_eq!(
            LinePrefix::new(setting).head(line.as_bytes()),
            None,
            "{setting} {line}"
        );
    }
}

#[test]
fn prefixes_are_inferred_from_their_lines() {
    for (line, expected) in [
        (
            "2026-01-01 00:00:00.000 UTC [123] LOG:  duration: 1 ms",
            "p=123 1767225600 duration: 1 ms",
        ),
        (
            "2026-01-01 00:00:00 UTC 6955b600.7b 3/17 0 web@shop pgbench LOG:  x",
            "c=6955b600.7b u=web d=shop v=3/17 1767225600 x",
        ),
        (
            "[2026-01-01 00:00:00 UTC] {pid: 123, user: web, database: shop, app: psql} LOG:  x",
            "p=123 u=web d=shop a=psql 1767225600 x",
        ),
        (
            "ts=2026-01-01 00:00:00.000 UTC|pid=123|sid=6955b600.7b|usr=web|db=shop|Q=-42|LOG:  x",
            "c=6955b600.7b p=123 u=web d=shop Q=-42 1767225600 x",
        ),
        (
            "db-1  | 2026-01-01 00:00:00.000 UTC [123] LOG:  x",
            "p=123 1767225600 x",
        ),
        (
            "2026-01-01 00:00:00 UTC [123]: user=,db=,app=,client= СООБЩЕНИЕ:  x",
            "p=123 1767225600 x",
        ),
    ] {
        let prefix = infer(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            found(&prefix, line).as_deref(),
            Some(expected),
            "{prefix:?}"
        );
    }
}

#[test]
fn an_inferred_prefix_fits_the_other_lines() {
    let prefix = infer(b"2026-01-01 00:00:00 UTC [123]: [9-1] web shop 10.0.0.1 LOG:  x").unwrap();
    let other = "2026-01-02 10:00:00 CET [77777]: [10-1] report warehouse [local] LOG:  y";
    assert_eq!(
        found(&prefix, other).as_deref(),
        Some("p=77777 1767344400 y")
    );
}
