//! Logs in every format, read whole.

mod broken;
mod real;

use super::*;

/// What a log's statements are: session, time of day, names, text, parameters and duration.
fn shown(logged: &Logged<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "⏎");
    let mut words = vec![
        format!("{}:{}", logged.file, logged.line),
        text(logged.session),
    ];
    words.extend(logged.at.map(|at| {
        // What is beyond the calendar is not a time of day.
        jiff::Timestamp::from_microsecond(at).map_or(at.to_string(), |time| {
            time.strftime("%H:%M:%S%.f").to_string()
        })
    }));
    for name in [
        logged.user,
        logged.database,
        logged.application,
        logged.transaction,
    ] {
        words.push(name.map_or("-".to_owned(), text));
    }
    words.extend(logged.query_id.map(|id| format!("Q{id}")));
    words.push(text(logged.statement));
    words.extend(
        logged
            .parameters
            .map(|parameters| format!("({})", text(parameters))),
    );
    words.extend(logged.duration_ms.map(|duration| format!("{duration} ms")));
    words.join(" ")
}

fn read_all(files: &[&[u8]], prefix: Option<&str>) -> (Vec<String>, Tally) {
    let mut reader = Reader::new(prefix.map(LinePrefix::new));
    let mut found = Vec::new();
    for file in files {
        reader
            .read(*file, |logged| found.push(shown(logged)))
            .unwrap();
    }
    let tally = reader.finish(|logged| found.push(shown(logged)));
    (found, tally)
}

fn read(text: &str) -> (Vec<String>, Tally) {
    read_all(&[text.as_bytes()], None)
}

fn skipped(tally: &Tally) -> Vec<(Reason, u64, u64)> {
    let skipped = tally.skipped.iter();
    skipped
        .map(|(reason, skipped)| (*reason, skipped.count, skipped.first.line))
        .collect()
}

#[test]
fn statements_of_several_lines_with_parameters() {
    let (found, tally) = read(
        "2026-01-01 10:00:00.123 UTC [7] a@b LOG:  duration: 0.250 ms  execute S_1: SELECT *\n\
         \tFROM t\n\
         \t\tWHERE id = $1\n\
         2026-01-01 10:00:00.123 UTC [7] a@b DETAIL:  parameters: $1 = 'x\n\
         \ty'\n\
         2026-01-01 10:00:01.000 UTC [7] a@b LOG:  duration: 1.000 ms  statement: SELECT 1;\n",
    );
    assert_eq!(
        found,
        [
            "0:1 7 10:00:00.123 a b - - SELECT *⏎FROM t⏎\tWHERE id = $1 ($1 = 'x⏎y') 0.25 ms",
            "0:6 7 10:00:01 a b - - SELECT 1; 1 ms",
        ]
    );
    assert_eq!(
        (
            tally.lines,
            tally.entries,
            tally.statements,
            tally.with_duration
        ),
        (6, 2, 2, 2)
    );
    assert_eq!(tally.shortest_ms, Some(0.25));
    assert_eq!(skipped(&tally), []);
}

#[test]
fn verbose_servers_write_a_code_before_the_message() {
    let (found, tally) = read(
        "2026-01-01 10:00:00.000 UTC [7] LOG:  00000: duration: 1.000 ms  execute a: SELECT $1\n\
         2026-01-01 10:00:00.000 UTC [7] DETAIL:  parameters: $1 = '1'\n\
         2026-01-01 10:00:00.000 UTC [7] LOCATION:  exec_execute_message, postgres.c:2325\n\
         2026-01-01 10:00:00.000 UTC [7] ERROR:  42P01: relation \"t\" does not exist\n",
    );
    assert_eq!(found, ["0:1 7 10:00:00 - - - - SELECT $1 ($1 = '1') 1 ms"]);
    assert_eq!((tally.errors, tally.entries), (1, 2));
}

#[test]
fn durations_in_entries_of_their_own_belong_to_the_session() {
    let (found, tally) = read(
        "2026-01-01 10:00:00.000 UTC [1] LOG:  statement: SELECT 1\n\
         2026-01-01 10:00:00.000 UTC [2] LOG:  duration: 0.100 ms\n\
         2026-01-01 10:00:00.001 UTC [2] LOG:  duration: 0.100 ms\n\
         2026-01-01 10:00:00.002 UTC [2] LOG:  execute <unnamed>: SELECT $1\n\
         2026-01-01 10:00:00.002 UTC [2] DETAIL:  Parameters: $1 = '2'\n\
         2026-01-01 10:00:00.003 UTC [1] LOG:  duration: 1.500 ms\n\
         2026-01-01 10:00:00.004 UTC [3] LOG:  duration: 9.000 ms\n\
         2026-01-01 10:00:00.005 UTC [1] LOG:  statement: SELECT 3\n\
         2026-01-01 10:00:00.006 UTC [1] ERROR:  no\n\
         2026-01-01 10:00:00.006 UTC [1] STATEMENT:  SELECT 3\n\
         2026-01-01 10:00:00.007 UTC [2] LOG:  duration: 2.500 ms\n",
    );
    assert_eq!(
        found,
        [
            "0:1 1 10:00:00.003 - - - - SELECT 1 1.5 ms",
            "0:8 1 10:00:00.005 - - - - SELECT 3",
            "0:4 2 10:00:00.007 - - - - SELECT $1 ($1 = '2') 2.5 ms",
        ]
    );
    assert_eq!(
        (tally.preparations, tally.errors, tally.with_duration),
        (2, 1, 2)
    );
    assert_eq!(skipped(&tally), [(Reason::DurationAlone, 1, 7)]);
}

#[test]
fn details_find_their_statement_when_sessions_interleave() {
    let (found, tally) = read(
        "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  execute a: SELECT $1\n\
         2026-01-01 10:00:00.000 UTC [2] LOG:  duration: 2.000 ms  execute a: SELECT $1\n\
         2026-01-01 10:00:00.000 UTC [1] DETAIL:  parameters: $1 = '1'\n\
         2026-01-01 10:00:00.000 UTC [2] DETAIL:  parameters: $1 = '2'\n\
         2026-01-01 10:00:00.000 UTC [3] DETAIL:  parameters: $1 = '3'\n",
    );
    assert_eq!(
        found,
        [
            "0:1 1 10:00:00 - - - - SELECT $1 ($1 = '1') 1 ms",
            "0:2 2 10:00:00 - - - - SELECT $1 ($1 = '2') 2 ms",
        ]
    );
    assert_eq!(skipped(&tally), [(Reason::DetailAlone, 1, 5)]);
}

#[test]
fn what_is_no_execution_is_counted_apart() {
    let (found, tally) = read(
        "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  parse a: SELECT $1\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  bind a: SELECT $1\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  plan:\n\
         \tQuery Text: SELECT 1\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  execute fetch from a/c: SELECT 1\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  execute fetch from a/c: SELECT 1\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  checkpoint starting: time\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  kesto: 1.000 ms  lause: SELECT 1\n",
    );
    assert_eq!(found, [""; 0]);
    assert_eq!((tally.preparations, tally.plans, tally.fetches), (2, 1, 2));
    assert_eq!(skipped(&tally), [(Reason::UnknownWords, 1, 9)]);
}

#[test]
fn entries_that_went_through_syslog_are_put_together() {
    let (found, tally) = read(
        "Jan  1 10:00:00 db1 postgres[71]: [5-1] 2026-01-01 10:00:00.000 UTC [71] a@b LOG:  duration: 1.000 ms  execute a: SELECT\n\
         Jan  1 10:00:00 db1 postgres[72]: [9-1] 2026-01-01 10:00:00.000 UTC [72] a@b LOG:  duration: 2.000 ms  statement: SELECT\n\
         Jan  1 10:00:00 db1 postgres[71]: [5-2] #011#011*\n\
         Jan  1 10:00:00 db1 postgres[72]: [9-2]  2, 3\n\
         Jan  1 10:00:00 db1 postgres[71]: [5-3] #011FROM t WHERE id = $1\n\
         Jan  1 10:00:00 db1 postgres[71]: [5-4] 2026-01-01 10:00:00.000 UTC [71] a@b DETAIL:  parameters: $1 = '1'\n\
         Jan  1 10:00:01 db1 kernel: something else\n\
         Jan  1 10:00:02 db1 postgres[71]: [6-1] 2026-01-01 10:00:02.000 UTC [71] a@b LOG:  duration: 3.000 ms  statement: SELECT 3\n",
    );
    assert_eq!(
        found,
        [
            "0:1 71 10:00:00 a b - - SELECT⏎\t*⏎FROM t WHERE id = $1 ($1 = '1') 1 ms",
            "0:2 72 10:00:00 a b - - SELECT 2, 3 2 ms",
            "0:8 71 10:00:02 a b - - SELECT 3 3 ms",
        ]
    );
    assert_eq!(skipped(&tally), [(Reason::UnknownLine, 1, 7)]);
}

#[test]
fn syslog_knows_the_process_and_the_time_that_a_prefix_lacks() {
    let (found, tally) = read(
        "2026-01-01T10:00:00.000000+01:00 db1 postgres[71]: user=a,db=b LOG:  statement: SELECT\n\
         2026-01-01T10:00:00.000000+01:00 db1 postgres[71]: #011 1\n\
         2026-01-01T10:00:01.000000+01:00 db1 postgres[71]: user=a,db=b LOG:  duration: 1.000 ms\n",
    );
    assert_eq!(found, ["0:1 71 09:00:01 a b - - SELECT⏎ 1 1 ms"]);
    assert_eq!(skipped(&tally), []);
}

/// What each of these writes of the same two statements.
#[test]
fn what_collectors_put_around_lines_is_taken_off() {
    let server = "2026-01-01 10:00:00.000 UTC [7] ";
    let lines = [
        format!("{server}LOG:  duration: 1.000 ms  execute a: SELECT *"),
        "\tFROM t".to_owned(),
        "\t  WHERE id = $1".to_owned(),
        format!("{server}DETAIL:  parameters: $1 = 'a"),
        "\tb \"c\"'".to_owned(),
        format!("{server}LOG:  duration: 2.000 ms  statement: SELECT 2"),
    ];
    let (expected, _) = read(&(lines.join("\n") + "\n"));
    assert_eq!(expected.len(), 2);
    let json = |line: &String| serde_json::to_string(&format!("{line}\n")).unwrap();
    let ways: [&dyn Fn(&String) -> String; 9] = [
        &|line| format!("2026-01-01T10:00:00.123456789Z stderr F {line}"),
        &|line| format!("2026-01-01T10:00:00.123456789Z {line}"),
        &|line| format!("[pod/db-0/postgres] {line}"),
        &|line| format!("db-1  | {line}\nweb-1 | GET / 200"),
        &|line| format!("\u{1b}[36mdb-1  | \u{1b}[0m{line}"),
        &|line| format!("{{\"log\":{},\"stream\":\"stderr\"}}", json(line)),
        &|line| format!("{{\"MESSAGE\":{},\"_PID\":\"1\"}}", json(line)),
        &|line| {
            format!(
                "{{\"textPayload\":{},\"timestamp\":\"2026-01-01T10:00:00Z\"}}",
                json(line)
            )
        },
        &|line| {
            format!(
                "{{\"properties\":{{\"message\":{},\"processId\":7}}}}",
                json(line)
            )
        },
    ];
    for way in ways {
        let log: String = lines.iter().map(|line| way(line) + "\n").collect();
        let (found, _) = read(&log);
        let unplaced = |found: &[String]| -> Vec<String> {
            let without = |text: &String| text.split_once(' ').map(|(_, rest)| rest.to_owned());
            found.iter().filter_map(without).collect()
        };
        assert_eq!(unplaced(&found), unplaced(&expected), "{log}");
    }
}

#[test]
fn lines_that_a_collector_cut_are_put_together() {
    for log in [
        "2026-01-01T10:00:00.1Z stderr P 2026-01-01 10:00:00.000 UTC [7] LOG:  duration: 1.0\n\
         2026-01-01T10:00:00.1Z stderr P 00 ms  statement: SEL\n\
         2026-01-01T10:00:00.1Z stderr F ECT 1\n",
        "{\"log\":\"2026-01-01 10:00:00.000 UTC [7] LOG:  duration: 1.0\",\"stream\":\"stderr\",\"time\":\"\"}\n\
         {\"log\":\"00 ms  statement: SEL\",\"stream\":\"stderr\",\"time\":\"\"}\n\
         {\"log\":\"ECT 1\\n\",\"stream\":\"stderr\",\"time\":\"\"}\n",
    ] {
        let (found, tally) = read(log);
        assert!(
            found.len() == 1 && found[0].contains("SELECT 1"),
            "{found:?}"
        );
        assert!(tally.skipped.is_empty());
    }
}

#[test]
fn rows_of_csvlog_are_read_and_broken_ones_passed_over() {
    let row = |number: u32, message: &str, detail: &str| {
        format!(
            "2026-01-01 10:00:0{number}.000 UTC,\"a\",\"b\",12,\"[local]\",6955b600.c,{number},\"SELECT\",\
             2026-01-01 09:00:00 UTC,3/{number},0,LOG,00000,\"{message}\",{detail},,,,,,,,\"app \"\"x\"\"\",\
             \"client backend\",,-77\n"
        )
    };
    let cut = row(2, "duration: 2.000 ms  statement: SELECT \"\"cut\"\"", "");
    let text = [
        "no row at all\n".to_owned(),
        row(
            1,
            "duration: 1.000 ms  execute <unnamed>: SELECT \"\"A\"\"\n\n FROM t",
            "\"parameters: $1 = '1'\"",
        ),
        cut[..100].to_owned() + "\n",
        row(3, "duration: 3.000 ms  statement: SELECT 3", ""),
        cut[..130].to_owned(),
    ]
    .concat();
    let (found, tally) = read(&text);
    assert_eq!(
        found,
        [
            "0:2 6955b600.c 10:00:01 a b app \"x\" 3/1 Q-77 SELECT \"A\"⏎⏎ FROM t ($1 = '1') 1 ms",
            "0:6 6955b600.c 10:00:03 a b app \"x\" 3/3 Q-77 SELECT 3 3 ms",
        ]
    );
    assert_eq!(skipped(&tally), [(Reason::BrokenRecord, 3, 1)]);
    assert_eq!(tally.lines, 7);
}

/// A row that is as long as the window is a multiple of.
#[test]
fn rows_may_end_where_the_window_does() {
    let row = |text: &str| {
        format!(
            "2026-01-01 10:00:00.000 UTC,\"a\",\"b\",12,\"[local]\",6955b600.c,1,\"SELECT\",2026-01-01 09:00:00 UTC,\
             3/1,0,LOG,00000,\"duration: 1.000 ms  statement: {text}\",,,,,,,,,\"\",\"\",,0\n"
        )
    };
    let filler = "x".repeat(256 - row("").len());
    let row = row(&filler);
    assert_eq!(row.len(), 256);
    let (found, tally) = read(&row.repeat(5000));
    assert_eq!(
        (found.len(), tally.lines, tally.bytes),
        (5000, 5000, 5000 * 256)
    );
}

#[test]
fn a_csvlog_may_end_with_a_broken_row_and_empty_lines() {
    let (found, tally) =
        read("2026-01-01 10:00:00.000 UTC,\"a\",\n2026-01-01 10:00:00.000 UTC,\"\n\n\n");
    assert_eq!(found, [""; 0]);
    assert_eq!(skipped(&tally), [(Reason::BrokenRecord, 2, 1)]);
    assert_eq!(tally.lines, 4);
}

#[test]
fn objects_of_jsonlog_are_read_and_broken_ones_passed_over() {
    let (found, tally) = read(
        r#"{"timestamp":"2026-01-01 10:00:00.123 CET","user":"a","dbname":"b","pid":12,"session_id":"6955b600.c","line_num":4,"ps":"SELECT","vxid":"3/4","txid":0,"error_severity":"LOG","message":"duration: 0.500 ms  execute <unnamed>: SELECT \"A\"\n\tFROM t","detail":"parameters: $1 = '1'","application_name":"psql","backend_type":"client backend","query_id":-42}
{"timestamp":"2026-01-01 10:00:01.123 CET","pid":12,"error_severity":"LOG","message":"dura
{"timestamp":"2026-01-01 10:00:02.123 CET","pid":12,"error_severity":"LOG","message":"duration: 2.000 ms  statement: SELECT 1","query_id":0}
{"timestamp":"2026-01-01 10:00:02.123 CET","pid":12,"error_severity":"NAPLÓ","message":"x"}
"#,
    );
    assert_eq!(
        found,
        [
            "0:1 6955b600.c 09:00:00.123 a b psql 3/4 Q-42 SELECT \"A\"⏎\tFROM t ($1 = '1') 0.5 ms",
            "0:3 12 09:00:02.123 - - - - SELECT 1 2 ms",
        ]
    );
    assert_eq!(
        skipped(&tally),
        [(Reason::BrokenRecord, 1, 2), (Reason::UnknownWords, 1, 4)]
    );
}

#[test]
fn prefixes_may_change_and_lines_may_be_broken() {
    let (found, tally) = read(
        "a line that was cut\n\
         \tat both ends\n\
         2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  statement: SELECT 1\n\
         2026-01-01 10:0\n\
         2026-01-01 10:00:01.000 CET:10.0.0.1(5432):a@b:[2]:LOG:  duration: 2.000 ms  statement: SELECT 2\n\
         \0\0\0\u{fffd}\n\
         |x|2026-01-01 10:00:02 UTC|pid=3|LOG:  duration: 3.000 ms  statement: SELECT 3\n\
         2026-01-01 10:00:03.000 UTC [1] LOG:  duration: 4.000 ms  statement: SELECT 4",
    );
    assert_eq!(
        found,
        [
            "0:3 1 10:00:00 - - - - SELECT 1 1 ms",
            "0:5 2 09:00:01 a b - - SELECT 2 2 ms",
            "0:7 3 10:00:02 - - - - SELECT 3 3 ms",
            "0:8 1 10:00:03 - - - - SELECT 4 4 ms",
        ]
    );
    assert_eq!(skipped(&tally), [(Reason::UnknownLine, 4, 1)]);
}

#[test]
fn statements_go_on_in_the_next_file() {
    let first = "2026-01-01 10:00:00.000 UTC [1] LOG:  statement: SELECT 1\n";
    let second = "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms\n";
    let (found, tally) = read_all(&[first.as_bytes(), second.as_bytes()], Some("%m [%p] "));
    assert_eq!(found, ["0:1 1 10:00:00 - - - - SELECT 1 1 ms"]);
    assert_eq!(tally.lines, 2);
}

#[test]
fn the_first_time_orders_files() {
    for (beginning, expected) in [
        (
            "cut\n2026-01-01 00:00:00.000 UTC [1] LOG:  x\n",
            Some(1_767_225_600_000_000),
        ),
        (
            "{\"timestamp\":\"2026-01-01 00:00:01.000 UTC\",\"error_severity\":\"LOG\"}\n",
            Some(1_767_225_601_000_000),
        ),
        (
            "2026-01-01 00:00:02.000 UTC,,,1,\"x",
            Some(1_767_225_602_000_000),
        ),
        ("nothing", None),
        ("", None),
    ] {
        assert_eq!(
            Reader::default().first_time(beginning.as_bytes()),
            expected,
            "{beginning}"
        );
    }
}

#[test]
fn an_entry_that_is_too_long_is_passed_over() {
    let huge = "x".repeat(window::LIMIT + 100);
    let lines = [
        "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  statement: SELECT 1\n",
        "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  statement: SELECT '",
        &huge,
        "'\n\tFROM t\n",
        "2026-01-01 10:00:00.000 UTC [1] LOG:  duration: 1.000 ms  statement: SELECT 2\n",
    ];
    let (found, tally) = read(&lines.concat());
    assert_eq!(found.len(), 2);
    assert_eq!(skipped(&tally), [(Reason::TooLong, 1, 2)]);
    assert_eq!(tally.lines, 4);
}

#[test]
fn statements_that_wait_are_bounded() {
    let lines: Vec<String> = (0..5000)
        .map(|process| {
            format!("2026-01-01 10:00:00.000 UTC [{process}] LOG:  statement: SELECT {process}\n")
        })
        .collect();
    let (found, tally) = read(&lines.concat());
    assert_eq!(found.len(), 5000);
    assert_eq!(skipped(&tally), [(Reason::Evicted, 904, 1)]);
}
