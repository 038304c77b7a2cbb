//! Statements in a few words: as part of a title, and as what a finding is about.

use crate::finding::Subject;
use crate::sql::lexer::{Token, tokens};

/// Relations that a label names.
const LABEL_RELATIONS: usize = 2;

/// Longer labels are cut.
const LABEL_CHARS: usize = 40;

/// A statement in a few words: what it does and to which relations, such as `SELECT orders, customers`.
pub fn label(text: &str) -> String {
    let words: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
    let verb = words.iter().find(|token| token.text != "(");
    let mut relations: Vec<String> = Vec::new();
    // Of each open parenthesis, whether a FROM inside divides a function's arguments.
    let mut divided = Vec::new();
    for (place, word) in words.iter().enumerate() {
        match word.text {
            "(" => {
                let before = place.checked_sub(1).and_then(|before| words.get(before));
                divided.push(before.is_some_and(is_divided));
            }
            ")" => drop(divided.pop()),
            _ => {}
        }
        let naming = NAMING.iter().any(|naming| word.is_word(naming));
        if !naming || divided.last() == Some(&true) {
            continue;
        }
        let name = relation(word, words.get(place + 1..).unwrap_or_default());
        if let Some(name) = name.filter(|name| !relations.contains(name)) {
            relations.push(name);
        }
    }
    match (verb, relations.is_empty()) {
        (Some(verb), false) => {
            relations.truncate(LABEL_RELATIONS);
            let verb = verb.text.to_ascii_uppercase();
            shortened(&format!("{verb} {}", relations.join(", ")), LABEL_CHARS)
        }
        _ => shortened(text, LABEL_CHARS),
    }
}

/// Whether `FROM` divides the arguments of this function (`func_expr_common_subexpr` in `gram.y`).
fn is_divided(function: &Token<'_>) -> bool {
    let names = ["extract", "overlay", "substring", "trim"];
    names.iter().any(|name| function.is_word(name))
}

/// Words that a relation's name follows.
const NAMING: [&str; 4] = ["from", "join", "into", "update"];

/// The last part of the dotted name that follows `naming`; `None` for a sub-query, a function or a keyword.
fn relation(naming: &Token<'_>, tokens: &[Token<'_>]) -> Option<String> {
    let mut rest = tokens.iter();
    let mut last = rest.next().filter(|token| token.is_name())?;
    if NO_RELATION.iter().any(|word| last.is_word(word)) {
        return None;
    }
    while let Some(dot) = rest.next() {
        match dot.text {
            "." => last = rest.next()?,
            // A function in FROM, but a column list in INSERT INTO.
            "(" if !naming.is_word("into") => return None,
            _ => break,
        }
    }
    Some(last.text.trim_matches('"').to_owned())
}

/// Words after `FROM` or `UPDATE` that are no relation's name.
const NO_RELATION: [&str; 9] = [
    "select", "lateral", "only", "skip", "nowait", "of", "set", "rows", "values",
];

/// A text on one line, cut where it is long.
pub fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars {
        return line;
    }
    let cut: String = line.chars().take(chars.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Longer shapes are cut in ids.
const SUBJECT_CHARS: usize = 60;

/// A family's canonical shape as a subject: cut where it is long, and then told apart by a checksum of the whole.
pub fn subject(fingerprint: &str) -> Subject {
    let short = shortened(fingerprint, SUBJECT_CHARS);
    if short.ends_with('…') {
        Subject::new(format!("{short}{:08x}", checksum(fingerprint)))
    } else {
        Subject::new(short)
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo; IETF draft-eastlake-fnv): the same on every machine and in every version.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_is_done_to_which_relations() {
        for (text, expected) in [
            (
                "SELECT a, b FROM public.orders o JOIN \"Users\" u ON true",
                "SELECT orders, Users",
            ),
            ("select 1", "select 1"),
            ("INSERT INTO log (a) VALUES ($1)", "INSERT log"),
            ("UPDATE only_one SET a = $1 FROM b", "UPDATE only_one, b"),
            (
                "DELETE FROM t WHERE x IN (SELECT id FROM gone)",
                "DELETE t, gone",
            ),
            (
                "SELECT extract(year FROM at) FROM (SELECT * FROM visits) v",
                "SELECT visits",
            ),
            (
                "SELECT trim(both $1 from (a)) FROM names WHERE substring(b from 2) = (SELECT c FROM others)",
                "SELECT names, others",
            ),
            ("SELECT * FROM jobs FOR UPDATE SKIP LOCKED", "SELECT jobs"),
            (
                "SELECT * FROM generate_series($1, $2)",
                "SELECT * FROM generate_series($1, $2)",
            ),
        ] {
            assert_eq!(label(text), expected);
        }
    }

    #[test]
    fn long_subjects_stay_apart() {
        let one = format!("select {} from a", "column, ".repeat(20));
        let other = format!("select {} from b", "column, ".repeat(20));
        assert_ne!(subject(&one), subject(&other));
        assert_eq!(subject("select  1").as_str(), "select 1");
    }
}
