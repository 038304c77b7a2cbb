//! How long reading statement texts takes: 10,000 of them, in the proportions of an application's `pg_stat_statements`.

use pgtriage::sql::family::{Family, pretty};
use pgtriage::sql::lexer::tokens;
use pgtriage::sql::mentions::Mentions;
use pgtriage::sql::redact::Redactor;

/// Statements a round.
const STATEMENTS: usize = 10_000;

fn main() {
    divan::main();
}

/// The statements of the corpus, numbered so that none is like another.
fn statements() -> Vec<String> {
    include_str!("../testdata/statements/same-family.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .cycle()
        .take(STATEMENTS)
        .enumerate()
        .map(|(number, text)| format!("{text} /* {number} */"))
        .collect()
}

#[divan::bench]
fn lexing(bencher: divan::Bencher<'_, '_>) {
    let statements = statements();
    bencher.bench(|| {
        statements
            .iter()
            .map(|text| tokens(text).count())
            .sum::<usize>()
    });
}

#[divan::bench]
fn mentions(bencher: divan::Bencher<'_, '_>) {
    let statements = statements();
    bencher.bench(|| {
        statements
            .iter()
            .map(|text| Mentions::of(text).names.len())
            .sum::<usize>()
    });
}

#[divan::bench]
fn families(bencher: divan::Bencher<'_, '_>) {
    let statements = statements();
    bencher.bench(|| {
        statements
            .iter()
            .map(|text| Family::of(text).fingerprint.as_str().len())
            .sum::<usize>()
    });
}

#[divan::bench]
fn redaction(bencher: divan::Bencher<'_, '_>) {
    let statements = statements();
    bencher.bench(|| {
        let mut redactor = Redactor::new();
        statements
            .iter()
            .map(|text| redactor.sql(text).len())
            .sum::<usize>()
    });
}

#[divan::bench]
fn shortening(bencher: divan::Bencher<'_, '_>) {
    let statements = statements();
    bencher.bench(|| {
        statements
            .iter()
            .map(|text| pretty(text, 80).len())
            .sum::<usize>()
    });
}
