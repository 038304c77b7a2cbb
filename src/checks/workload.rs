//! Statements grouped into families, with their sums: what the checks of the workload look at.

mod candidates;
mod family;
mod field;
mod percentiles;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

pub use candidates::{Limits, candidates};
pub use family::{Family, Member};
pub use field::Field;
pub use percentiles::Percentiles;

use crate::finding::{Evidence, Formula, Unit};
use crate::ids::{QueryId, StatementKey};
use crate::snapshot::delta::{StatementDelta, Window, WindowKind};
use crate::snapshot::{Sample, Snapshot, Statement, StatementCounters};
use crate::sql::family::{Fingerprint, Shape, ShapeBasis, TokensReason};
use crate::units::{Millis, float, ratio};

/// The statements of a window, grouped.
#[derive(Debug)]
pub struct Workload<'a> {
    snapshot: &'a Snapshot,
    window: Window,
    families: Vec<Family>,
    totals: Totals,
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
    /// Groups the statements of a Snapshot by what they did in the window that it was taken for.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let window = Window::of(snapshot);
        let measured = window.statements.iter();
        let statements = measured.filter_map(|delta| snapshot.statements.get(delta.index));
        let shapes = shapes::shapes(statements.map(text_of));
        let mut groups = Groups::default();
        for (measured, delta) in window.statements.iter().enumerate() {
            let statement = snapshot.statements.get(delta.index);
            let shape = statement.and_then(|statement| shapes.get(text_of(statement)));
            if let (Some(statement), Some(shape)) = (statement, shape) {
                let member = Member {
                    statement: delta.index,
                    measured,
                };
                groups.add(member, statement, delta, shape);
            }
        }
        let mut families = groups.families;
        for family in &mut families {
            family.rank(|member| {
                let delta = window.statements.get(member.measured);
                delta.map_or(0.0, |delta| delta.counters.get().total_exec_time_ms.get())
            });
        }
        families.sort_by(Family::by_time);
        let mut totals = groups.totals;
        if let Some(hidden) = &window.totals.hidden {
            let hidden = hidden.get();
            totals.hidden_time = hidden.total_exec_time_ms;
            totals.exec_time += hidden.total_exec_time_ms;
            totals.calls += hidden.calls;
        }
        Self {
            snapshot,
            window,
            families,
            totals,
        }
    }

    /// The Snapshot.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
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
        self.delta(member).map(|delta| delta.counters.get())
    }

    fn delta(&self, member: Member) -> Option<&StatementDelta> {
        self.window.statements.get(member.measured)
    }

    /// The share of the window's execution time that `time` is, 0..1; `None` without any.
    pub fn share(&self, time: Millis) -> Option<f64> {
        ratio(time.get(), self.totals.exec_time.get())
    }

    /// The window's execution time as an operand of a formula: toplevel statements, and the hidden ones.
    fn total_term(&self) -> String {
        let visible = self.toplevel_term(Field::ExecTime);
        if self.totals.hidden_time.get() <= 0.0 {
            return visible;
        }
        let hidden = "{/counter_source/hidden/total_exec_time_ms}";
        let before = match self.snapshot.samples.first() {
            Some(sample) if has_hidden(sample) => {
                " - {/samples/0/counter_source/hidden/total_exec_time_ms}"
            }
            _ => "",
        };
        format!("({visible} + {hidden}{before})")
    }

    /// The sum of a counter over the visible toplevel statements as an operand of a formula.
    fn toplevel_term(&self, field: Field) -> String {
        if self.window.kind == WindowKind::SinceReset {
            return format!("sum({{/statements/*{}}})", field.path());
        }
        let toplevel = self.families.iter().filter(|family| family.toplevel());
        let terms: Vec<String> = toplevel
            .filter_map(|family| family.term(self, field))
            .collect();
        format!("sum({})", terms.join(", "))
    }

    /// The sum of a counter over the visible toplevel statements, with its formula; `None` where none has it.
    pub fn of_all(&self, field: Field) -> Option<(f64, String)> {
        let toplevel = self.families.iter().filter(|family| family.toplevel());
        let sums = toplevel.filter_map(|family| family.sum(self, field));
        let sum = sums.reduce(|one, other| one + other)?;
        Some((sum, self.toplevel_term(field)))
    }

    /// The sum of the squared execution times of a family's calls as an operand of a formula; `None` where the spread
    /// of one of its statements is hidden. Of so many calls, their time and its standard deviation it is calls ×
    /// deviation² + time² ÷ calls, at both ends of the window.
    pub fn squares_term(&self, family: &Family) -> Option<String> {
        let squares = |statement: String, counters: &StatementCounters| {
            counters.spread?;
            let at = |field: &str| Formula::at(&format!("{statement}/counters/{field}"));
            let (calls, time) = (at("calls"), at("total_exec_time_ms"));
            let deviation = at("spread/stddev_exec_time_ms");
            Some(format!(
                "{calls} * {deviation} * {deviation} + {time} * {time} / {calls}"
            ))
        };
        let of_member = |member: &Member| {
            let now = self.snapshot.statements.get(member.statement)?;
            let all = squares(format!("/statements/{}", member.statement), &now.counters)?;
            let Some(base) = self.delta(*member)?.base else {
                return Some(format!("({all})"));
            };
            let then = self.snapshot.samples.first()?.statements.get(base)?;
            if then.counters.calls == 0 {
                return Some(format!("({all})"));
            }
            let early = squares(format!("/samples/0/statements/{base}"), &then.counters)?;
            Some(format!("({all} - ({early}))"))
        };
        let terms: Option<Vec<String>> = family.members().iter().map(of_member).collect();
        Formula::sum_of(&terms?)
    }

    /// A family's share of the window's execution time as evidence.
    pub fn share_evidence(&self, family: &Family) -> Option<Evidence> {
        let value = self.share(family.time())?;
        let part = family.term(self, Field::ExecTime)?;
        let formula = format!("{part} / {}", self.total_term());
        let label = "share of the execution time";
        Some(family::computed(label, value, Unit::Ratio, formula))
    }

    /// The sum of a counter over members as an operand of a formula; `None` where none has it.
    pub fn term_of(&self, members: &[Member], field: Field) -> Option<String> {
        family::term(self, members, field)
    }

    /// The sum of a counter over families, with its formula; `None` without any that has it.
    pub fn sum_over(&self, families: &[usize], field: Field) -> Option<(f64, String)> {
        let each: Vec<(f64, String)> = families
            .iter()
            .filter_map(|place| {
                let family = self.families.get(*place)?;
                Some((family.sum(self, field)?, family.term(self, field)?))
            })
            .collect();
        let value = each.iter().map(|(value, _)| value).sum();
        let terms: Vec<String> = each.into_iter().map(|(_, term)| term).collect();
        Some((value, Formula::sum_of(&terms)?))
    }

    /// A number that a formula over counters of statements gives, as evidence.
    pub fn counted(&self, label: &str, value: f64, unit: Unit, formula: String) -> Evidence {
        family::computed(label, value, unit, formula)
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

    /// The ids of a family's statements, the costliest first, each once.
    pub fn queryids(&self, family: &Family) -> Vec<QueryId> {
        let mut seen = BTreeSet::new();
        self.statements(family)
            .filter_map(|statement| statement.key.queryid)
            .filter(|queryid| seen.insert(*queryid))
            .collect()
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
        ratio(float(count), self.window.seconds?)
    }
}

fn text_of(statement: &Statement) -> &str {
    statement.query.as_deref().unwrap_or_default()
}

fn has_hidden(sample: &Sample) -> bool {
    let source = sample.counter_source.as_ref();
    source.is_some_and(|source| source.hidden.is_some())
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
}

#[derive(Default)]
struct Groups {
    places: BTreeMap<(Fingerprint, bool), usize>,
    families: Vec<Family>,
    totals: Totals,
}

impl Groups {
    fn add(
        &mut self,
        member: Member,
        statement: &Statement,
        delta: &StatementDelta,
        shape: &Shape,
    ) {
        let parsed = matches!(
            shape.basis,
            ShapeBasis::Parsed
                | ShapeBasis::Tokens {
                    reason: TokensReason::Utility
                }
        );
        self.totals.count(statement, delta.counters.get(), parsed);
        let families = &mut self.families;
        let key = (shape.fingerprint.clone(), statement.key.toplevel);
        let place = *self
            .places
            .entry(key)
            .or_insert_with_key(|(shape, toplevel)| {
                families.push(Family::new(shape.clone(), *toplevel));
                families.len() - 1
            });
        if let Some(family) = families.get_mut(place) {
            family.add(member, delta);
        }
    }
}
