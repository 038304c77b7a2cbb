//! What collectors put before each line of a server's log: syslog daemons, container runtimes and their tools, hosting
//! providers.

use memchr::{memchr, memmem};

use super::severity::find_severity;
use super::time;

/// Bytes in which what stands before a line ends.
const LONGEST_HEAD: usize = 256;

/// A line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Chunk<'a> {
    /// What keeps lines apart that were written at the same time: a process, or a container.
    pub(super) source: &'a [u8],
    /// The server's process, where the collector knows it.
    pub(super) process: Option<&'a [u8]>,
    /// The line of the entry, where the server numbers them (`syslog_sequence_numbers`).
    pub(super) number: Option<u32>,
    /// When it was collected.
    pub(super) at: Option<i64>,
    /// The line.
    pub(super) text: &'a [u8],
    /// Whether the rest of the line follows in the next one: what is long is cut into pieces.
    pub(super) goes_on: bool,
}

/// Takes a line apart, if a collector put something before it.
pub(super) fn chunk(line: &[u8]) -> Option<Chunk<'_>> {
    match line.first()? {
        b'<' => prioritised(line),
        b'0'..=b'9' => timed(line),
        b'[' => of_pod(line),
        b'A'..=b'Z' if begins_with_month(line) => of_process(line, None),
        _ => of_container(line),
    }
}

/// `<134>Jan  1 10:00:00 db1 postgres[71]: ` (RFC 3164), `<134>1 2026-01-01T10:00:00Z db1 postgres 71 - - ` (RFC 5424)
fn prioritised(line: &[u8]) -> Option<Chunk<'_>> {
    let number = time::digits(line.get(1..)?);
    let rest = line.get(1 + number..)?.strip_prefix(b">")?;
    if begins_with_month(rest) {
        return of_process(rest, None);
    }
    let rest = rest.strip_prefix(b"1 ")?;
    let stamp = time::stamp(rest)?;
    let mut words = rest
        .get(stamp.length + 1..)?
        .splitn(5, |byte| *byte == b' ');
    let (_host, _program, process) = (words.next()?, words.next()?, words.next()?);
    let (_message, rest) = (words.next()?, words.next()?);
    let text = match rest.strip_prefix(b"- ") {
        Some(text) => text,
        None => rest.get(memmem::find(rest, b"] ")? + 2..)?,
    };
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    Some(Chunk {
        at: Some(stamp.at),
        ..written(process, text)
    })
}

/// A line of a process, which may have a number.
fn written<'a>(process: &'a [u8], text: &'a [u8]) -> Chunk<'a> {
    let (number, text) = numbered(text).map_or((None, text), |(number, text)| (Some(number), text));
    Chunk {
        source: process,
        process: Some(process),
        number,
        text,
        ..Chunk::default()
    }
}

/// The number of the line in `[5-2] `, and what follows.
fn numbered(text: &[u8]) -> Option<(u32, &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let text = text[time::digits(text)..].strip_prefix(b"-")?;
    let length = time::digits(text);
    let number = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((number, text[length..].strip_prefix(b"] ")?))
}

/// What begins with a time of ISO 8601, which no prefix of a server has: syslog, container runtimes, log services.
fn timed(line: &[u8]) -> Option<Chunk<'_>> {
    let stamp = time::stamp(line).filter(|_| line.get(10) == Some(&b'T'))?;
    if let Some(chunk) = of_process(line, Some(stamp.at)) {
        return Some(chunk);
    }
    let at = Some(stamp.at);
    let rest = line.get(stamp.length..)?;
    let rest = rest
        .strip_prefix(b" ")
        .or_else(|| rest.strip_prefix(b"\t"))?;
    let of_stream = |stream: &[u8]| rest.strip_prefix(stream);
    if let Some(rest) = of_stream(b"stdout ").or_else(|| of_stream(b"stderr ")) {
        let (tag, text) = rest.split_at(memchr(b' ', rest)?);
        return Some(Chunk {
            at,
            text: &text[1..],
            goes_on: tag.starts_with(b"P"),
            ..Chunk::default()
        });
    }
    // A log service names the stream before the server's own time.
    let named = memchr(b' ', &rest[..rest.len().min(LONGEST_HEAD)]);
    let behind = named.and_then(|space| rest.get(space + 1..));
    let text = behind.filter(|text| is_server_time(text)).unwrap_or(rest);
    begins_line(text).then_some(Chunk {
        at,
        text,
        ..Chunk::default()
    })
}

fn is_server_time(text: &[u8]) -> bool {
    time::stamp(text).is_some() && text.get(10) == Some(&b' ')
}

/// `Jan  1 10:00:00 db1 postgres[71]: `, and `2026-01-01T10:00:00+00:00 app[postgres.71]: [SHOP] [5-1]  sql_error_code
/// = 00000 `
fn of_process(line: &[u8], at: Option<i64>) -> Option<Chunk<'_>> {
    let head = &line[..line.len().min(LONGEST_HEAD)];
    let end = memmem::find(head, b"]: ")?;
    let before = &line[..end];
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (before, process) = before.split_at(before.len() - digits.count());
    let text = &line[end + 3..];
    let text = match before {
        [.., program, b'['] if program.is_ascii_alphanumeric() => text,
        [.., b'.'] if memmem::find(before, b"[postgres").is_some() => of_application(text),
        _ => return None,
    };
    let chunk = Chunk {
        at,
        ..written(process, text)
    };
    let coded = chunk.text.strip_prefix(b" sql_error_code = ");
    let coded = coded.and_then(|code| code.get(6..));
    (!process.is_empty()).then_some(Chunk {
        text: coded.unwrap_or(chunk.text),
        ..chunk
    })
}

/// What follows the database's name, as Heroku puts it before the line's number.
fn of_application(text: &[u8]) -> &[u8] {
    let end = memmem::find(&text[..text.len().min(LONGEST_HEAD)], b"] ");
    let behind = end.and_then(|end| text.get(end + 2..));
    behind
        .filter(|rest| numbered(rest).is_some())
        .unwrap_or(text)
}

/// `Jan  1 10:00:00 `
fn begins_with_month(line: &[u8]) -> bool {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let Some((month, rest)) = line.split_at_checked(3) else {
        return false;
    };
    MONTHS.chunks(3).any(|known| known == month) && rest.first() == Some(&b' ')
}

/// `[pod/db-0/postgres] `, as kubectl puts it before the lines of several containers
fn of_pod(line: &[u8]) -> Option<Chunk<'_>> {
    let rest = line.strip_prefix(b"[pod/")?;
    let end = memmem::find(&rest[..rest.len().min(LONGEST_HEAD)], b"] ")?;
    Some(Chunk {
        source: &rest[..end],
        text: &rest[end + 2..],
        ..Chunk::default()
    })
}

/// `db-1  | `, as docker compose puts it before the lines of several containers, coloured on a terminal
fn of_container(line: &[u8]) -> Option<Chunk<'_>> {
    let line = &line[colours(line)..];
    let head = &line[..line.len().min(LONGEST_HEAD)];
    let (name, rest) = line.split_at(memmem::find(head, b" | ")?);
    let text = &rest[3..];
    let text = &text[colours(text)..];
    let name = name.trim_ascii_end();
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    (is_name && begins_line(text)).then_some(Chunk {
        source: name,
        text,
        ..Chunk::default()
    })
}

/// The length of the escape sequences for colours at the beginning of a text.
fn colours(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(sequence) = text
        .get(length..)
        .and_then(|rest| rest.strip_prefix(b"\x1b["))
    {
        let part_of_it = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
        let inner = sequence.iter().take_while(part_of_it).count();
        if sequence.get(inner) != Some(&b'm') {
            break;
        }
        length += 2 + inner + 1;
    }
    length
}

/// Whether a text may be a line of a server's log: an entry, an object of jsonlog, or a further line.
fn begins_line(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'\t' | b'{')) || find_severity(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source, process, number, whether it goes on, and the text.
    fn told(line: &str) -> Option<String> {
        let chunk = chunk(line.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut words = vec![text(chunk.source)];
        words.extend(chunk.process.map(|process| format!("p={}", text(process))));
        words.extend(chunk.number.map(|number| format!("n={number}")));
        words.extend(chunk.goes_on.then(|| "…".to_owned()));
        words.push(text(chunk.text));
        Some(words.join("|"))
    }

    #[test]
    fn what_collectors_put_before_a_line_is_taken_off() {
        for (line, expected) in [
            (
                "Jan  1 10:00:00 db1 postgres[71]: [5-2] #011x",
                "71|p=71|n=2|#011x",
            ),
            (
                "<134>Jan  1 10:00:00 db1 postgres[71]: LOG:  x",
                "71|p=71|LOG:  x",
            ),
            (
                "<134>1 2026-01-01T10:00:00.5Z db1 postgres 71 - - [5-1] LOG:  x",
                "71|p=71|n=1|LOG:  x",
            ),
            (
                "<134>1 2026-01-01T10:00:00.5Z db1 postgres 71 ID [a b=\"c\"] LOG:  x",
                "71|p=71|LOG:  x",
            ),
            (
                "2026-01-01T10:00:00+0000 db1 postgres[71]: \tx",
                "71|p=71|\tx",
            ),
            (
                "2026-01-01T10:00:00+00:00 app[postgres.71]: [SHOP] [5-1]  sql_error_code = 00000 LOG:  x",
                "71|p=71|n=1|LOG:  x",
            ),
            (
                "2026-01-01T10:00:00+00:00 app[postgres.71]: [SHOP] [5-2]  #011x",
                "71|p=71|n=2| #011x",
            ),
            (
                "2026-01-01T10:00:00.123456789Z stderr F LOG:  x",
                "|LOG:  x",
            ),
            (
                "2026-01-01T10:00:00.123456789Z stdout P {\"a\":",
                "|…|{\"a\":",
            ),
            ("2026-01-01T10:00:00.123456789Z stderr F ", "|"),
            (
                "2026-01-01T10:00:00.1Z 2026-01-01 10:00:00 UTC [7] LOG:  x",
                "|2026-01-01 10:00:00 UTC [7] LOG:  x",
            ),
            ("2026-01-01T10:00:00.1Z \tx", "|\tx"),
            (
                "2026-01-01T10:00:00.1Z shop.0 2026-01-01 10:00:00 UTC::@:[7]:LOG:  x",
                "|2026-01-01 10:00:00 UTC::@:[7]:LOG:  x",
            ),
            ("[pod/db-0/postgres] \tx", "db-0/postgres|\tx"),
            (
                "db-1  | 2026-01-01 10:00:00.000 UTC [7] LOG:  x",
                "db-1|2026-01-01 10:00:00.000 UTC [7] LOG:  x",
            ),
            ("\x1b[36mdb-1  | \x1b[0m\tx", "db-1|\tx"),
        ] {
            assert_eq!(told(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn lines_of_a_server_are_no_lines_of_a_collector() {
        for line in [
            "2026-01-01 10:00:00.000 UTC [7] LOG:  x",
            "2026-01-01 10:00:00 UTC:10.0.0.1(5):web@shop:[7]:LOG:  x",
            "LOG:  x",
            "\tFROM a | b",
            "[7] web@shop LOG:  x",
            "7 | web LOG:  x",
            "Jane said",
            "",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
