//! Statements of one shape.

use std::cmp::Ordering;

use super::{Field, Workload};
use crate::finding::{Evidence, Formula, Source, Unit};
use crate::snapshot::delta::StatementDelta;
use crate::sql::family::Fingerprint;
use crate::units::{Millis, Rows, float, ratio};

/// A member of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Index into the Snapshot's statements.
    pub statement: usize,
    /// Index into the window's statements.
    pub measured: usize,
}

/// Statements of one shape: they differ in literals, list lengths, aliases, layout.
#[derive(Debug, Clone)]
pub struct Family {
    fingerprint: Fingerprint,
    toplevel: bool,
    members: Vec<Member>,
    calls: i64,
    rows: i64,
    time: Millis,
    spread: Moments,
}

/// Σ calls, Σ calls × mean and Σ calls × (stddev² + mean²) of the members whose spread is known.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    calls: f64,
    first: f64,
    second: f64,
}

impl Moments {
    fn add(&mut self, calls: f64, mean: Millis, deviation: Millis) {
        let (mean, deviation) = (mean.get(), deviation.get());
        self.calls += calls;
        self.first += calls * mean;
        self.second += calls * (deviation * deviation + mean * mean);
    }

    /// The standard deviation of the union of groups: √(E\[x²\] − E\[x\]²).
    fn deviation(self) -> Option<Millis> {
        let mean = ratio(self.first, self.calls)?;
        let square = ratio(self.second, self.calls)?;
        Some(Millis((square - mean * mean).max(0.0).sqrt()))
    }
}

impl Family {
    pub(super) fn new(fingerprint: Fingerprint, toplevel: bool) -> Self {
        Self {
            fingerprint,
            toplevel,
            members: Vec::new(),
            calls: 0,
            rows: 0,
            time: Millis::default(),
            spread: Moments::default(),
        }
    }

    pub(super) fn add(&mut self, member: Member, delta: &StatementDelta) {
        let counters = delta.counters.get();
        self.members.push(member);
        self.calls += counters.calls;
        self.rows += counters.rows;
        self.time += counters.total_exec_time_ms;
        if let (Some(mean), Some(deviation)) = (delta.mean_exec_time_ms, delta.stddev_exec_time_ms)
        {
            self.spread.add(float(counters.calls), mean, deviation);
        }
    }

    /// Puts the costliest member first.
    pub(super) fn rank(&mut self, time: impl Fn(Member) -> f64) {
        self.members.sort_by(|one, other| {
            time(*other)
                .total_cmp(&time(*one))
                .then(one.statement.cmp(&other.statement))
        });
    }

    pub(super) fn by_time(&self, other: &Self) -> Ordering {
        other
            .time
            .get()
            .total_cmp(&self.time.get())
            .then_with(|| self.fingerprint.cmp(&other.fingerprint))
            .then(other.toplevel.cmp(&self.toplevel))
    }

    /// The canonical shape that its members share.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether clients sent it.
    pub fn toplevel(&self) -> bool {
        self.toplevel
    }

    /// Its members, the costliest first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Calls.
    pub fn calls(&self) -> i64 {
        self.calls
    }

    /// Rows returned or affected.
    pub fn rows(&self) -> Rows {
        Rows(float(self.rows))
    }

    /// Execution time.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// Mean execution time; `None` without calls.
    pub fn mean(&self) -> Option<Millis> {
        ratio(self.time.get(), float(self.calls)).map(Millis)
    }

    /// Rows a call; `None` without calls.
    pub fn rows_per_call(&self) -> Option<f64> {
        ratio(float(self.rows), float(self.calls))
    }

    /// The standard deviation of execution times over all members; `None` where hidden.
    pub fn stddev(&self) -> Option<Millis> {
        self.spread.deviation()
    }

    /// The sum of a counter over the members that have it; `None` where none has.
    pub fn sum(&self, workload: &Workload<'_>, field: Field) -> Option<f64> {
        let values = self
            .members
            .iter()
            .filter_map(|member| field.read(workload.counters(*member)?));
        values.fold(None, |sum: Option<f64>, value| {
            Some(sum.unwrap_or_default() + value)
        })
    }

    /// The same as an operand of a [`Formula`].
    pub fn term(&self, workload: &Workload<'_>, field: Field) -> Option<String> {
        term(workload, &self.members, field)
    }

    /// The sum of a counter as evidence; `None` where no member has it.
    pub fn evidence(
        &self,
        workload: &Workload<'_>,
        label: &str,
        field: Field,
        unit: Unit,
    ) -> Option<Evidence> {
        let value = self.sum(workload, field)?;
        let term = self.term(workload, field)?;
        Some(computed(label, value, unit, term))
    }

    /// A quotient of two sums as evidence; `None` where one is missing or the divisor is zero.
    pub fn quotient(
        &self,
        workload: &Workload<'_>,
        label: &str,
        (part, whole): (Field, Field),
        unit: Unit,
    ) -> Option<Evidence> {
        let value = ratio(self.sum(workload, part)?, self.sum(workload, whole)?)?;
        let (part, whole) = (self.term(workload, part)?, self.term(workload, whole)?);
        Some(computed(label, value, unit, format!("{part} / {whole}")))
    }
}

/// The sum of a counter over members as an operand of a [`Formula`].
pub(super) fn term(workload: &Workload<'_>, members: &[Member], field: Field) -> Option<String> {
    let mut terms: Vec<String> = members
        .iter()
        .filter_map(|member| field.term(workload, *member))
        .collect();
    if terms.len() == 1 {
        terms.pop()
    } else {
        (!terms.is_empty()).then(|| format!("sum({})", terms.join(", ")))
    }
}

/// Evidence from counters of statements; a formula that is one pointer becomes that pointer.
pub(super) fn computed(label: &str, value: f64, unit: Unit, formula: String) -> Evidence {
    let source = Source::PgStatStatements;
    let lone = formula
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|pointer| !pointer.contains('{'))
        .map(str::to_owned);
    match lone {
        Some(pointer) => Evidence::read(label, value, unit, source, pointer),
        None => Evidence::computed(label, value, unit, source, Formula::new(formula)),
    }
}
