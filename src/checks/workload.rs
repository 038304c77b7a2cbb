//! Statements grouped into families, with their sums: what the checks of the workload look at.

mod candidates;
mod family;
mod field;
mod percentiles;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

pub use candidates::{Limits, candidates, is_dml};
pub use family::{Family, Member};
pub use field::Field;
pub use percentiles::Percentiles;

use crate::finding::{Evidence, Unit, WindowKind};
use crate::ids::StatementKey;
use crate::snapshot::{HiddenStatements, Snapshot, Statement, StatementCounters};
use crate::units::{Millis, float, ratio};

/// The statements of a window, grouped.
#[derive(Debug)]
pub struct Workload<'a> {
    snapshot: &'a Snapshot,
    period: Period,
    measured: Vec<Measured<'a>>,
    families: Vec<Family>,
    totals: Totals,
}

/// The time that counters cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// What kind of time.
    pub kind: WindowKind,
    /// Its begin, where the server tells.
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Timestamp,
}

impl Period {
    /// Its length in seconds.
    pub fn seconds(&self) -> Option<f64> {
        let length = self.to.duration_since(self.from?).as_secs_f64();
        (length > 0.0).then_some(length)
    }
}

/// What a statement's counters grew by.
#[derive(Debug)]
struct Measured<'a> {
    statement: usize,
    counters: Cow<'a, StatementCounters>,
    /// Sample and position of the counters that were taken off.
    before: Option<(usize, usize)>,
}

/// Sums over the window. Nested statements are part of their callers, so times and calls are of toplevel ones.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Statements that ran in the window.
    pub statements: usize,
    /// Calls, those of hidden statements included.
    pub calls: i64,
    /// Execution time, that of hidden statements included.
    pub exec_time: Millis,
    /// Execution time of hidden statements.
    pub hidden_time: Millis,
    /// Statements that no parser understood.
    pub unparsed: usize,
    /// Execution time of those.
    pub unparsed_time: Millis,
    /// Statements that ran inside functions.
    pub nested: usize,
}

impl<'a> Workload<'a> {
    /// Groups the statements of a Snapshot by what they did since their counters began.
    pub fn since_reset(snapshot: &'a Snapshot) -> Self {
        let source = snapshot.counter_source.as_ref();
        let measured = snapshot
            .statements
            .iter()
            .enumerate()
            .map(|(statement, row)| Measured {
                statement,
                counters: Cow::Borrowed(&row.counters),
                before: None,
            });
        let period = Period {
            kind: WindowKind::SinceReset,
            from: source.and_then(|source| source.stats_reset),
            to: snapshot.captured_at,
        };
        let hidden = source.and_then(|source| source.hidden);
        Self::group(snapshot, period, measured.collect(), hidden)
    }

    fn group(
        snapshot: &'a Snapshot,
        period: Period,
        measured: Vec<Measured<'a>>,
        hidden: Option<HiddenStatements>,
    ) -> Self {
        let mut groups = Groups::default();
        for (position, row) in measured.iter().enumerate() {
            if let Some(statement) = snapshot.statements.get(row.statement) {
                let member = Member {
                    statement: row.statement,
                    measured: position,
                };
                groups.add(member, statement, &row.counters);
            }
        }
        let mut families = groups.families;
        for family in &mut families {
            family.rank(|member| {
                let row = measured.get(member.measured);
                row.map_or(0.0, |row| row.counters.total_exec_time_ms.get())
            });
        }
        families.sort_by(Family::by_time);
        let mut totals = groups.totals;
        totals.add_hidden(hidden);
        Self {
            snapshot,
            period,
            measured,
            families,
            totals,
        }
    }

    /// The Snapshot.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The time that the counters cover.
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// The families, the costliest first.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The sums.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// A member's counters in the window.
    pub fn counters(&self, member: Member) -> Option<&StatementCounters> {
        self.measured
            .get(member.measured)
            .map(|row| row.counters.as_ref())
    }

    fn before(&self, member: Member) -> Option<(usize, usize)> {
        self.measured.get(member.measured)?.before
    }

    /// The share of the window's execution time that `time` is, 0..1; `None` without any.
    pub fn share(&self, time: Millis) -> Option<f64> {
        ratio(time.get(), self.totals.exec_time.get())
    }

    /// The window's execution time as an operand of a formula: toplevel statements, and the hidden ones.
    fn total_term(&self) -> String {
        let visible = if self.period.kind == WindowKind::SinceReset {
            "sum({/statements/*/counters/total_exec_time_ms})".to_owned()
        } else {
            let toplevel = self.families.iter().filter(|family| family.toplevel());
            let terms: Vec<String> = toplevel
                .filter_map(|family| family.term(self, Field::ExecTime))
                .collect();
            format!("sum({})", terms.join(", "))
        };
        if self.totals.hidden_time.get() > 0.0 {
            let hidden = "{/counter_source/hidden/total_exec_time_ms}";
            format!("({visible} + {hidden})")
        } else {
            visible
        }
    }

    /// A family's share of the window's execution time as evidence.
    pub fn share_evidence(&self, family: &Family) -> Option<Evidence> {
        let value = self.share(family.time())?;
        let part = family.term(self, Field::ExecTime)?;
        let formula = format!("{part} / {}", self.total_term());
        let label = "share of the execution time";
        Some(family::computed(label, value, Unit::Ratio, formula))
    }

    /// The text of the family's costliest member.
    pub fn text(&self, family: &Family) -> &'a str {
        self.representative(family)
            .and_then(|statement| statement.query.as_deref())
            .unwrap_or_default()
    }

    /// The family's costliest member.
    pub fn representative(&self, family: &Family) -> Option<&'a Statement> {
        let member = family.members().first()?;
        self.snapshot.statements.get(member.statement)
    }

    /// The statements of a family, the costliest first.
    pub fn statements<'f>(
        &self,
        family: &'f Family,
    ) -> impl Iterator<Item = &'a Statement> + use<'a, 'f> {
        let snapshot = self.snapshot;
        let members = family.members().iter();
        members.filter_map(|member| snapshot.statements.get(member.statement))
    }

    /// The position of each statement's family, by key.
    pub fn places(&self) -> BTreeMap<&'a StatementKey, usize> {
        let families = self.families.iter().enumerate();
        families
            .flat_map(|(place, family)| {
                self.statements(family)
                    .map(move |statement| (&statement.key, place))
            })
            .collect()
    }

    /// So many in the window as so many a second, where the window's length is known.
    pub fn rate(&self, count: i64) -> Option<f64> {
        ratio(float(count), self.period.seconds()?)
    }
}

impl Totals {
    fn count(&mut self, statement: &Statement, counters: &StatementCounters, parsed: bool) {
        self.statements += 1;
        if !statement.key.toplevel {
            self.nested += 1;
            return;
        }
        self.calls += counters.calls;
        self.exec_time += counters.total_exec_time_ms;
        if !parsed {
            self.unparsed += 1;
            self.unparsed_time += counters.total_exec_time_ms;
        }
    }

    fn add_hidden(&mut self, hidden: Option<HiddenStatements>) {
        if let Some(hidden) = hidden {
            self.hidden_time = hidden.total_exec_time_ms;
            self.exec_time += hidden.total_exec_time_ms;
            self.calls += hidden.calls;
        }
    }
}

#[derive(Default)]
struct Groups {
    places: BTreeMap<(String, bool), usize>,
    families: Vec<Family>,
    totals: Totals,
}

impl Groups {
    fn add(&mut self, member: Member, statement: &Statement, counters: &StatementCounters) {
        let text = statement.query.as_deref().unwrap_or_default();
        let (fingerprint, parsed) = fingerprint(text);
        self.totals.count(statement, counters, parsed);
        let families = &mut self.families;
        let key = (fingerprint, statement.key.toplevel);
        let place = *self
            .places
            .entry(key)
            .or_insert_with_key(|(text, toplevel)| {
                families.push(Family::new(text, *toplevel));
                families.len() - 1
            });
        if let Some(family) = families.get_mut(place) {
            family.add(member, counters);
        }
    }
}

fn fingerprint(text: &str) -> (String, bool) {
    let words: Vec<&str> = text.split_whitespace().collect();
    (words.join(" "), true)
}
