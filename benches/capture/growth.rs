//! How the analysis grows with the number of statements.

use std::path::Path;

use serde_json::{Value, json};

use crate::process::{mib, ms, run};

/// Numbers of statements.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Analyses copies of the capture with more and more statements, each of a family of its own but for every fourth.
pub(crate) fn measure(capture: &Path, work: &Path) {
    let text = std::fs::read_to_string(capture).expect("the capture");
    let capture: Value = serde_json::from_str(&text).expect("the capture is JSON");
    println!("statements   file MiB   first ms     all ms   peak MiB   µs a statement");
    for size in SIZES {
        let file = work.join(format!("growth-{size}.json"));
        let content = grown(&capture, size).to_string();
        std::fs::write(&file, &content).expect("the grown capture is written");
        let run = run(crate::pgtriage().args(["diagnose", "--from"]).arg(&file))
            .expect_success("pgtriage diagnose");
        let count = pgtriage::units::float(i64::try_from(size).unwrap_or(i64::MAX));
        println!(
            "{size:>10} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>16.1}",
            mib(u64::try_from(content.len()).unwrap_or(0)),
            ms(run.first_output.unwrap_or(run.wall)),
            ms(run.wall),
            run.peak_mib,
            ms(run.wall) * 1000.0 / count
        );
    }
}

fn grown(capture: &Value, size: usize) -> Value {
    let mut grown = capture.clone();
    let patterns = capture["statements"].as_array().expect("statements");
    assert!(!patterns.is_empty(), "the capture has statements");
    let statements = (0..size).zip(patterns.iter().cycle()).map(|(n, pattern)| {
        let mut statement = pattern.clone();
        statement["key"]["queryid"] = json!((n + 1).to_string());
        let column = n - n % 4;
        statement["query"] = json!(format!(
            "SELECT id, name AS n_{column} FROM table_{} WHERE status = $1 AND amount > $2 ORDER BY created_at LIMIT $3",
            column % crate::database::TABLES
        ));
        statement
    });
    grown["statements"] = statements.collect();
    grown
}
