//! Finds EXPLAIN's JSON in what people save: psql's tables, driver output, lines of the server log.

use serde_json::{Deserializer, Value};

use super::error::PlanError;
use super::parse;

/// Levels of plan nodes that fit into the 128 levels of JSON that `serde_json` reads: every node is an object in an array.
const JSON_DEPTH: usize = 63;

/// How many opening brackets are tried: a log line's prefix may contain some before the plan does.
const MAX_STARTS: usize = 16;

/// The EXPLAIN object (`{"Plan": …}`) in `text`: pure JSON, psql's aligned output with its header and `+` signs, or a server log
/// with `auto_explain` entries, of which the first counts.
///
/// # Errors
/// [`PlanError`] says what the text is instead, and what to run.
pub fn read_text(text: &str) -> Result<Value, PlanError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(PlanError::Empty);
    }
    let error = match first_plan(text) {
        Ok(object) => return Ok(object),
        Err(error) => error,
    };
    if let Ok(object) = first_plan(&undecorated(text)) {
        return Ok(object);
    }
    match error {
        Some(error) => Err(error),
        None => Err(format_of(text)),
    }
}

/// The first JSON value in `text` that is a plan; otherwise what was wrong with the likeliest, if any JSON was there.
fn first_plan(text: &str) -> Result<Value, Option<PlanError>> {
    let mut problem = None;
    for (start, _) in text.match_indices(['[', '{']).take(MAX_STARTS) {
        let Some(rest) = text.get(start..) else {
            continue;
        };
        match Deserializer::from_str(rest).into_iter::<Value>().next() {
            Some(Ok(value)) => match parse::explain_object(&value) {
                Ok(object) => return Ok(Value::Object(object.clone())),
                // Brackets within other text are small JSON values by chance; only a whole document is worth a message.
                Err(error) if start == 0 => problem = Some(error),
                Err(_) => {}
            },
            Some(Err(error)) if error.to_string().starts_with("recursion limit") => {
                return Err(Some(PlanError::TooDeep { limit: JSON_DEPTH }));
            }
            Some(Err(error)) if start == 0 && error.is_eof() => {
                return Err(Some(PlanError::NotJson {
                    reason: format!("it ends too early: {error}"),
                }));
            }
            _ => {}
        }
    }
    Err(problem)
}

/// psql's aligned output without the `+` that marks a line that goes on.
fn undecorated(text: &str) -> String {
    text.lines()
        .map(|line| line.trim().trim_end_matches('+').trim())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a text that is not JSON is.
pub(super) fn format_of(text: &str) -> PlanError {
    let text = text.trim();
    let has_line = |prefixes: &[&str]| {
        text.lines().any(|line| {
            let line = line.trim_start_matches([' ', '\t', '-', '|', '"']);
            prefixes.iter().any(|prefix| line.starts_with(prefix))
        })
    };
    if text.is_empty() {
        PlanError::Empty
    } else if text.contains("<explain") || text.contains("<Node-Type>") {
        PlanError::XmlFormat
    } else if has_line(&["Node Type:", "Plan:"]) {
        PlanError::YamlFormat
    } else if ["(cost=", "(actual ", "(never executed)"]
        .iter()
        .any(|mark| text.contains(mark))
        || has_line(&[
            "->  ",
            ">  Seq Scan",
            ">  Index Scan",
            "Planning Time:",
            "Execution Time:",
        ])
    {
        PlanError::TextFormat
    } else {
        PlanError::NotJson {
            reason: match serde_json::from_str::<Value>(text) {
                Ok(_) => "it is a JSON value of another kind".to_owned(),
                Err(error) => error.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"[{"Plan": {"Node Type": "Result"}, "Planning Time": 0.1}]"#;

    #[test]
    fn a_plan_is_found_in_what_people_save() {
        let psql = "  QUERY PLAN  \n--------------\n [           +\n   {         +\n     \"Plan\": {\"Node Type\": \"Result\"}+\n   }   +\n ]\n(1 row)\n";
        let log = "2026-01-01 10:00:00 UTC [4711] LOG:  duration: 0.1 ms  plan:\n\t{\n\t  \"Query Text\": \"SELECT 1\",\n\t  \"Plan\": {\"Node Type\": \"Result\"}\n\t}\n2026-01-01 LOG: {x}";
        let driver = r#"[{"QUERY PLAN": [{"Plan": {"Node Type": "Result"}}]}]"#;
        for text in [JSON, psql, log, driver, &format!("\u{feff}{JSON}")] {
            let object = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(object["Plan"]["Node Type"], "Result", "{text}");
        }
    }

    #[test]
    fn other_formats_are_named() {
        let deep = "[".repeat(200);
        for (text, expected) in [
            ("", PlanError::Empty),
            ("  \n", PlanError::Empty),
            (
                " Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n   Filter: (a = '{1}')",
                PlanError::TextFormat,
            ),
            (
                "QUERY PLAN\n---\nAggregate\n  ->  Seq Scan on t\n(2 rows)",
                PlanError::TextFormat,
            ),
            (
                "- Plan: \n    Node Type: \"Seq Scan\"\n",
                PlanError::YamlFormat,
            ),
            (
                "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n</explain>",
                PlanError::XmlFormat,
            ),
            (r#"{"a": 1}"#, PlanError::NoPlan),
            ("[]", PlanError::NoPlan),
            (r#"["Utility Statement"]"#, PlanError::Utility),
            (&deep, PlanError::TooDeep { limit: JSON_DEPTH }),
        ] {
            assert_eq!(read_text(text), Err(expected), "{text}");
        }
        assert!(matches!(
            read_text("SELECT 1"),
            Err(PlanError::NotJson { .. })
        ));
        assert!(matches!(
            read_text(r#"[{"Plan": {"Node Type": "Re"#),
            Err(PlanError::NotJson { .. })
        ));
    }

    #[test]
    fn messages_say_what_to_run() {
        assert_eq!(
            PlanError::TextFormat.to_string(),
            "the plan is in text format, which leaves out what the analysis needs; run: EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) <statement>"
        );
    }
}
