//! `pgtriage demo`: the main job on a throwaway server with a realistic workload.

use anyhow::{Context, Result};
use clap::Parser;

use crate::analyze;
use crate::checks::workload::Limits;
use crate::demo::shop::{Options, Phase, Progress as ShopProgress, Scale, Shop};
use crate::format;
use crate::units::float;

use super::args::{Cli, DemoArgs};
use super::diagnose;
use super::exit::Exit;
use super::interrupt::Interrupt;
use super::observe::{Contents, Literals, observe, unless_interrupted};
use super::output::Sink;
use super::progress::Progress;
use super::runtime;

/// Starts the shop, runs its traffic, diagnoses it, and removes it (or leaves it running).
///
/// # Errors
/// Where no server binaries are found, the server does not start, or the user interrupts.
pub fn run(args: &DemoArgs, progress: &Progress) -> Result<Exit> {
    // A flag's value is refused before the server is started, not minutes later.
    let config = diagnose::config(&args.report, Limits::default())?;
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen for signals")?;
        progress.step("starting a throwaway PostgreSQL");
        let options = Options {
            scale: Scale(args.scale),
            traffic: Scale(args.scale),
            bin_dir: None,
        };
        let shop = tokio::task::block_in_place(|| Shop::start(&options))?;
        let exit = Box::pin(unless_interrupted(
            &interrupt,
            work(&shop, args, &config, progress, &interrupt),
        ))
        .await?;
        if args.keep {
            let uri = shop.uri();
            let removal = shop.keep()?;
            Sink::Stdout.write(&format!(
                "\nThe server is left running: {uri}\nTo stop and remove it: {removal}\n"
            ))?;
        }
        Ok(exit)
    })
}

async fn work(
    shop: &Shop,
    args: &DemoArgs,
    config: &analyze::Config,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Exit> {
    let mut told = |step: ShopProgress| progress.tick(&describe(step));
    progress.step("loading the shop");
    let rows = shop.load(&mut told).await?;
    progress.step("letting the shop's programs work");
    let statements = shop.run_traffic(&mut told).await?;
    progress.note(&format!(
        "sample shop: {} rows, {} statements of its programs; diagnosing as pgtriage diagnose would",
        format::count(precise(rows)),
        format::count(precise(statements))
    ));
    // The flags of a plain `diagnose`, so that the demo shows what it does.
    let plain = Cli::try_parse_from(["pgtriage", &shop.uri()])?.diagnose;
    let literals = Literals::shown(args.report.show_literals);
    let snapshot = Box::pin(observe(
        &plain.connection,
        &plain.probe,
        &plain.workload,
        config,
        Contents::of_report(literals, &plain.logs),
        progress,
        interrupt,
    ))
    .await?;
    diagnose::report(&snapshot, config, &args.report, progress)
}

fn describe(step: ShopProgress) -> String {
    let share = if step.total == 0 {
        0.0
    } else {
        precise(step.done) / precise(step.total)
    };
    match step.phase {
        Phase::Load => format!(
            "loading: {} rows ({})",
            format::count(precise(step.done)),
            format::percent(share)
        ),
        Phase::Index => format!(
            "building indexes and statistics: {} of {}",
            step.done, step.total
        ),
        Phase::Traffic => format!("the shop's programs work: {}", format::percent(share)),
    }
}

fn precise(count: u64) -> f64 {
    i64::try_from(count).map_or(f64::INFINITY, float)
}
