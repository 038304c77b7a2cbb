//! Logs that were cut, mixed and overwritten: nothing of it may stop the reader.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Pieces of real logs in each format and of lines that look like some.
static PIECES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/logs");
    let names = [
        "13/timed.log",
        "13/split.csv",
        "15/split.log",
        "15/split.json",
        "18/timed.json",
        "18/timed.csv",
        "18/timed.log",
        "languages/ja_JP.log",
        "languages/fr_FR.log",
    ];
    let read = |name: &&str| fs::read(root.join(name)).unwrap();
    let mut pieces: Vec<Vec<u8>> = names.iter().map(read).collect();
    pieces.push(SYSLOG.as_bytes().to_vec());
    pieces.push(
        b"LOG:  duration: 1.000 ms  statement: SELECT 1\n\tFROM t\nDETAIL:  parameters: $1 = '1'\n"
            .to_vec(),
    );
    pieces.extend(COLLECTED.map(|lines| lines.as_bytes().to_vec()));
    pieces
});

/// Lines behind what collectors put there.
const COLLECTED: [&str; 3] = [
    "2026-01-01T10:00:00.1Z stderr F 2026-01-01 10:00:00.000 UTC [71] LOG:  duration: 1.000 ms  execute a: SELECT *\n\
     2026-01-01T10:00:00.1Z stderr P \tFROM t\n\
     2026-01-01T10:00:00.1Z stderr F  WHERE id = $1\n\
     2026-01-01T10:00:00.1Z stderr F 2026-01-01 10:00:00.000 UTC [71] DETAIL:  parameters: $1 = '1'\n",
    "db-1  | 2026-01-01 10:00:00.000 UTC [71] LOG:  duration: 1.000 ms  statement: SELECT 1\n\
     web-1 | GET / 200\n\
     db-1  | \tFROM t\n",
    "{\"log\":\"2026-01-01 10:00:00.000 UTC [71] LOG:  duration: 1.000 ms  statement: SELECT 1\\n\"}\n\
     {\"log\":\"\\tFROM t\\n\",\"stream\":\"stderr\"}\n\
     {\"record\":{\"process_id\":\"71\",\"error_severity\":\"LOG\",\"message\":\"duration: 1.000 ms\"}}\n",
];

/// Chunks of two processes that log by syslog.
const SYSLOG: &str = "\
    Jan  1 10:00:00 db1 postgres[71]: [5-1] 2026-01-01 10:00:00.000 UTC [71] LOG:  duration: 1.000 ms  execute a: SELECT *\n\
    Jan  1 10:00:00 db1 postgres[72]: [9-1] 2026-01-01 10:00:00.000 UTC [72] LOG:  statement: SELECT 2\n\
    Jan  1 10:00:00 db1 postgres[71]: [5-2] #011FROM t WHERE id = $1\n\
    Jan  1 10:00:00 db1 postgres[71]: [5-3] 2026-01-01 10:00:00.000 UTC [71] DETAIL:  parameters: $1 = '1'\n";

/// What happens to a log.
#[derive(Debug, Clone)]
enum Change {
    Cut(Index, usize),
    Insert(Index, Vec<u8>),
    Overwrite(Index, u8),
    Repeat(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let special = select(b"\n\r\t\0\",{}[]:$\\%\xff0".to_vec());
    prop_oneof![
        (any::<Index>(), 1..300_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<Index>(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), special).prop_map(|(at, byte)| Change::Overwrite(at, byte)),
        (any::<Index>(), 1..200_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

impl Change {
    fn apply(&self, log: &mut Vec<u8>) {
        if log.is_empty() {
            return;
        }
        match self {
            Self::Cut(at, length) => {
                let at = at.index(log.len());
                log.drain(at..log.len().min(at + length));
            }
            Self::Insert(at, bytes) => {
                let at = at.index(log.len());
                log.splice(at..at, bytes.iter().copied());
            }
            Self::Overwrite(at, byte) => {
                let at = at.index(log.len());
                log[at] = *byte;
            }
            Self::Repeat(at, length) => {
                let at = at.index(log.len());
                log.extend_from_within(at..log.len().min(at + length));
            }
        }
    }
}

/// Parts of several logs, one after the other, and changed.
fn broken_log() -> impl Strategy<Value = Vec<u8>> {
    let part = (0..14_usize, any::<Index>(), 1..1500_usize).prop_map(|(piece, from, length)| {
        let piece = &PIECES[piece];
        let from = from.index(piece.len());
        piece[from..piece.len().min(from + length)].to_vec()
    });
    (vec(part, 1..4), vec(change(), 0..6)).prop_map(|(parts, changes)| {
        let mut log = parts.concat();
        for change in changes {
            change.apply(&mut log);
        }
        log
    })
}

/// Settings that may or may not be those of the log.
fn setting() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some("%m [%p] %c %v %Q %b %q%u@%d/%a ".to_owned())),
        "(%-?[0-9]{0,2}[a-zA-Z%]|[ \\[\\]=,:@a-z]){0,12}".prop_map(Some),
    ]
}

/// Gives its bytes in pieces of a few.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(to.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        to[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// Reads a log, and checks what must hold for any.
fn read_any(source: impl Read, log: &[u8], setting: Option<&str>) -> (Vec<String>, Tally) {
    let mut reader = Reader::new(setting.map(LinePrefix::new));
    reader.first_time(log);
    let mut found = Vec::new();
    let mut given = 0;
    let mut last = 0;
    let mut each = |logged: &Logged<'_>| {
        assert!(logged.line > 0, "lines are counted from one");
        assert!(logged.duration_ms.is_none_or(f64::is_finite));
        assert!(logged.statement.len() <= 2 * log.len());
        given += 1;
        last = last.max(logged.line);
        found.push(shown(logged));
    };
    reader.read(source, &mut each).unwrap();
    let tally = reader.finish(&mut each);
    assert_eq!(tally.statements, given);
    assert_eq!(tally.bytes, u64::try_from(log.len()).unwrap());
    let text = super::super::encoding::decoded(log);
    let lines = u64::try_from(memchr::memchr_iter(b'\n', &text).count()).unwrap();
    assert!(
        (lines..=lines + 1).contains(&tally.lines),
        "{} of {lines}",
        tally.lines
    );
    assert!(last <= tally.lines, "{last} of {}", tally.lines);
    for skipped in tally.skipped.values() {
        assert!(skipped.count > 0 && skipped.first.line <= tally.lines + 1);
    }
    (found, tally)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn broken_logs_are_read(log in broken_log(), setting in setting(), piece in 100..5000_usize) {
        read_any(Pieces(&log, piece), &log, setting.as_deref());
    }

    #[test]
    fn random_bytes_are_read(log in vec(any::<u8>(), 0..400), setting in setting()) {
        read_any(log.as_slice(), &log, setting.as_deref());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_pieces_that_a_log_comes_in_make_no_difference(log in broken_log(), piece in 1..5000_usize) {
        let whole = read_any(log.as_slice(), &log, None);
        let pieces = read_any(Pieces(&log, piece), &log, None);
        prop_assert_eq!(whole, pieces);
    }
}
