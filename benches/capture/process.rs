//! Runs a program and measures it.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What a run took.
pub(crate) struct Run {
    pub(crate) wall: Duration,
    /// Until the first byte on standard output.
    pub(crate) first_output: Option<Duration>,
    /// The greatest resident size, as Linux counts it (`VmHWM`); 0 elsewhere.
    pub(crate) peak_mib: f64,
    status: ExitStatus,
    error: String,
}

impl Run {
    /// The run, unless it failed.
    pub(crate) fn expect_success(self, name: &str) -> Self {
        assert!(
            self.status.success(),
            "{name}: {}: {}",
            self.status,
            self.error
        );
        self
    }
}

/// Runs to the end, reading the output as it comes.
pub(crate) fn run(command: &mut Command) -> Run {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", command.get_program().display()));
    let mut output = child.stdout.take().expect("a pipe");
    let mut errors = child.stderr.take().expect("a pipe");
    let status_file = format!("/proc/{}/status", child.id());
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let peak = scope.spawn(|| watch_peak(&status_file, &over));
        let error = scope.spawn(move || {
            let mut text = String::new();
            drop(errors.read_to_string(&mut text));
            text
        });
        let mut first_output = None;
        let mut buffer = vec![0; 1 << 16];
        while output.read(&mut buffer).expect("output") > 0 {
            first_output.get_or_insert_with(|| begin.elapsed());
        }
        let status = child.wait().expect("an exit status");
        let wall = begin.elapsed();
        over.store(true, Ordering::Relaxed);
        Run {
            wall,
            first_output,
            peak_mib: mib(peak.join().unwrap_or(0)),
            status,
            error: error.join().unwrap_or_default(),
        }
    })
}

/// The high-water mark only grows, so that what was read last before the end is right to within a few milliseconds.
fn watch_peak(status_file: &str, over: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !over.load(Ordering::Relaxed) {
        if let Ok(text) = std::fs::read_to_string(status_file) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(kib.unwrap_or(0) * 1024);
        }
        thread::sleep(Duration::from_millis(2));
    }
    peak
}

/// Bytes as mebibytes.
pub(crate) fn mib(bytes: u64) -> f64 {
    pgtriage::units::float(i64::try_from(bytes).unwrap_or(i64::MAX)) / 1_048_576.0
}

/// A duration in milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
