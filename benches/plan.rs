//! Parsing plans and deriving their metrics: all fixtures of one major version.

use std::fs;
use std::path::Path;

use divan::{Bencher, counter::ItemsCount};
use pgtriage::plan::Plan;
use pgtriage::plan::metrics::Metrics;
use serde_json::Value;

fn main() {
    divan::main();
}

fn plans(major: u32) -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/plans/{major}"));
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
        .filter_map(|text| serde_json::from_slice(&text).ok())
        .collect()
}

#[divan::bench(args = [13, 15, 18])]
fn parse(bencher: Bencher<'_, '_>, major: u32) {
    let plans = plans(major);
    bencher
        .counter(ItemsCount::new(plans.len()))
        .bench_local(|| {
            plans
                .iter()
                .filter_map(|plan| Plan::parse(plan).ok())
                .count()
        });
}

#[divan::bench(args = [13, 15, 18])]
fn metrics(bencher: Bencher<'_, '_>, major: u32) {
    let plans: Vec<Plan> = plans(major)
        .iter()
        .filter_map(|plan| Plan::parse(plan).ok())
        .collect();
    bencher
        .counter(ItemsCount::new(plans.len()))
        .bench_local(|| plans.iter().map(Metrics::of).collect::<Vec<_>>());
}
