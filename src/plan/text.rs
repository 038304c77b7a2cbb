//! Finds EXPLAIN's JSON in what people save: psql's tables, driver output, lines of the server log.

use serde_json::{Deserializer, Value};

use super::error::PlanError;
use super::parse;

/// Levels of plan nodes that fit into the 128 levels of JSON that `serde_json` reads: every node is an object in an
/// array.
const JSON_DEPTH: usize = 63;

/// How many things that look like a plan and are none are read before the rest of a text is given up.
const MAX_FAILURES: usize = 1_000;

/// The EXPLAIN object (`{"Plan": …}`) in `text`: the first of [`read_plans`].
///
/// # Errors
/// [`PlanError`] says what the text is instead, and what to run.
pub fn read_text(text: &str) -> Result<Value, PlanError> {
    let plans = read_plans(text)?;
    plans.into_iter().next().ok_or(PlanError::NoPlan)
}

/// All EXPLAIN objects (`{"Plan": …}`) in `text`, in their order: pure JSON, psql's output with its header and `+`
/// signs, or a server log (stderr, CSV or JSON) with `auto_explain` entries.
///
/// # Errors
/// [`PlanError`] says what the text is instead, and what to run.
pub fn read_plans(text: &str) -> Result<Vec<Value>, PlanError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(PlanError::Empty);
    }
    let problem = match plans_in(text) {
        Ok(plans) => return Ok(plans),
        Err(problem) => problem,
    };
    for undone in [undecorated(text), unquoted(text)] {
        if let Ok(plans) = plans_in(&undone) {
            return Ok(plans);
        }
    }
    Err(problem.unwrap_or_else(|| format_of(text)))
}

/// The plans among the JSON values in `text`, at least one; otherwise what was wrong with the likeliest.
fn plans_in(text: &str) -> Result<Vec<Value>, Option<PlanError>> {
    let mut plans = Vec::new();
    let mut problem = None;
    let mut failures = 0;
    let mut at = 0;
    while let Some(start) = next_start(text, at) {
        let rest = text.get(start..).unwrap_or_default();
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        at = match values.next() {
            Some(Ok(value)) => {
                match found_in(&value) {
                    Ok(found) => plans.extend(found),
                    // Brackets within other text are small JSON values by chance; only a whole document is worth a
                    // message.
                    Err(error) if start == 0 => problem = Some(error),
                    Err(_) => {}
                }
                start + values.byte_offset().max(1)
            }
            Some(Err(error)) if error.to_string().starts_with("recursion limit") => {
                problem.get_or_insert(PlanError::TooDeep { limit: JSON_DEPTH });
                break;
            }
            Some(Err(error)) => {
                if start == 0 && error.is_eof() {
                    problem.get_or_insert(PlanError::NotJson {
                        reason: format!("it ends too early: {error}"),
                    });
                }
                failures += 1;
                start + 1
            }
            None => break,
        };
        if failures > MAX_FAILURES {
            break;
        }
    }
    if plans.is_empty() {
        Err(problem)
    } else {
        Ok(plans)
    }
}

/// Where the next JSON array or object begins that could hold a plan: the text's own first bracket, or one before a
/// quoted key.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let opens = |(place, _): &(usize, &str)| {
        let after = rest.get(place + 1..).unwrap_or_default();
        from + place == 0 || after.trim_start_matches(opening).starts_with('"')
    };
    let (place, _) = rest.match_indices(['[', '{']).find(opens)?;
    Some(from + place)
}

fn opening(c: char) -> bool {
    c.is_whitespace() || matches!(c, '[' | '{')
}

/// The plans of one JSON value: EXPLAIN's array (of which the first element counts: the others are what rules made of
/// the statement), rows of a driver, an `auto_explain` entry, or a line of a JSON log whose message holds one.
fn found_in(value: &Value) -> Result<Vec<Value>, PlanError> {
    let message = value.get("message").and_then(Value::as_str);
    if let Some(message) = message.filter(|message| message.contains('{')) {
        return plans_in(message).map_err(|problem| problem.unwrap_or(PlanError::NoPlan));
    }
    let object = parse::explain_object(value)?;
    Ok(vec![Value::Object(object.clone())])
}

/// psql's aligned output without the `+` that marks a line that goes on.
fn undecorated(text: &str) -> String {
    text.lines()
        .map(|line| {
            let line = line.trim().trim_start_matches('|').trim_end_matches('|');
            line.trim().trim_end_matches('+').trim()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A CSV log without its doubled quotes.
fn unquoted(text: &str) -> String {
    text.replace("\"\"", "\"")
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
    fn every_plan_of_a_log_is_found() {
        let entry = |id: u32| {
            format!(
                "2026-01-01 10:00:00.1 UTC [4711] app@shop LOG:  duration: {id}.0 ms  plan:\n\t{{\n\t  \"Query Text\": \"SELECT {id}\",\n\t  \"Plan\": {{\"Node Type\": \"Result\"}}\n\t}}\n"
            )
        };
        let noise = "2026-01-01 [4711] LOG:  statement: SELECT '{\"a\": [1]}'\n".repeat(40);
        let log = format!("{noise}{}{noise}{}", entry(1), entry(2));
        let texts = |text: &str| -> Vec<String> {
            let plans = read_plans(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let texts = plans
                .iter()
                .map(|plan| plan["Query Text"].as_str().unwrap_or_default());
            texts.map(str::to_owned).collect()
        };
        assert_eq!(texts(&log), ["SELECT 1", "SELECT 2"]);
        let plan = "{\"Query Text\": \"SELECT 1\", \"Plan\": {\"Node Type\": \"Result\"}}";
        let csv = format!(
            "2026-01-01,\"app\",\"duration: 1 ms  plan:\n{}\",,\n",
            plan.replace('"', "\"\"")
        );
        let message =
            serde_json::json!({"message": format!("duration: 1 ms  plan:\n{plan}"), "pid": 1});
        for one in [csv, format!("{message}\n{{\"message\": \"x {{ y\"}}\n")] {
            assert_eq!(texts(&one), ["SELECT 1"], "{one}");
        }
        assert_eq!(texts(&format!("{message}\n{message}")).len(), 2);
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
