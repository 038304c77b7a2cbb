//! What a check is given: the Snapshot and what is derived from it once for all checks.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::catalog::Catalog;
use super::logged::LoggedCase;
use super::plans::{CasePlan, Unreadable};
use super::readings::Readings;
use super::support::label;
use super::threshold::Thresholds;
use super::usage::Usage;
use super::workload::{Family, Workload};
use crate::advisor::{Advice, RecordedAnswers, advise};
use crate::finding::{Draft, Impact, Location, Weight};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::Node;
use crate::snapshot::{Snapshot, off_mean};
use crate::sql::facts::Facts;
use crate::units::{Millis, float, ratio};

/// The Snapshot and what is derived from it.
#[derive(Debug)]
pub struct Case<'a> {
    /// The Snapshot.
    pub snapshot: &'a Snapshot,
    /// Its statements in families.
    pub workload: Workload<'a>,
    /// Its tables, indexes and foreign keys.
    pub catalog: Catalog<'a>,
    /// Its logs, where some were read.
    pub logged: Option<LoggedCase<'a>>,
    /// Its plans.
    pub plans: Vec<CasePlan<'a>>,
    /// Plans that the planner made without sequential scans as far as it could.
    pub by_index: Vec<CasePlan<'a>>,
    /// Plans that cannot be read, and why.
    pub unreadable: Vec<Unreadable<'a>>,
    thresholds: &'a Thresholds,
    readings: Readings,
    usage: OnceLock<Usage>,
    advice: OnceLock<Advice>,
}

/// A draft, and the families whose time it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Positions in [`Workload::families`]; empty where no statement's time is at stake.
    pub families: Vec<usize>,
    /// The draft.
    pub draft: Draft,
}

impl AsRef<Thresholds> for Case<'_> {
    fn as_ref(&self) -> &Thresholds {
        self.thresholds
    }
}

impl<'a> Case<'a> {
    /// Derives what the checks need.
    pub fn of(snapshot: &'a Snapshot, thresholds: &'a Thresholds) -> Self {
        let workload = Workload::of(snapshot);
        let (plans, unreadable) = CasePlan::all(&workload);
        let (plans, by_index) = plans
            .into_iter()
            .partition(|plan| plan.record.scans.are_as_set());
        Self {
            snapshot,
            catalog: Catalog::of(snapshot),
            logged: LoggedCase::of(snapshot, &workload),
            plans,
            by_index,
            unreadable,
            thresholds,
            readings: Readings::of(snapshot),
            usage: OnceLock::new(),
            advice: OnceLock::new(),
            workload,
        }
    }

    /// What the statement at that position of `Snapshot::statements` asks of each relation; `None` where its text is
    /// lost or does not parse. For a few thousand statements at most: the facts are kept.
    pub fn facts(&self, statement: usize) -> Option<&Facts> {
        self.readings.facts(self.snapshot, &self.catalog, statement)
    }

    /// What `look` sees in the facts of a statement, which are not kept for it: for passes over all statements.
    pub fn glance<R>(&self, statement: usize, look: impl FnOnce(&Facts) -> R) -> Option<R> {
        self.readings
            .glance(self.snapshot, &self.catalog, statement, look)
    }

    /// Which families use which table, read once.
    pub fn usage(&self) -> &Usage {
        self.usage.get_or_init(|| {
            let mut usage = Usage::default();
            for (place, family) in self.workload.families().iter().enumerate() {
                if let Some(member) = family.members().first() {
                    self.glance(member.statement, |facts| {
                        usage.add(&self.catalog, place, facts);
                    });
                }
            }
            usage
        })
    }

    /// The indexes that are advised on the recorded answers, given once.
    pub fn advice(&self) -> &Advice {
        self.advice.get_or_init(|| {
            let mut oracle = RecordedAnswers::new(&self.snapshot.what_if);
            advise(self, &mut oracle)
        })
    }

    /// A family's statements as a place.
    pub fn location(&self, family: &Family) -> Location {
        Location {
            queryids: self.workload.queryids(family),
            query: Some(self.workload.text(family).to_owned()).filter(|text| !text.is_empty()),
            ..Location::default()
        }
    }

    /// The statements of several families as a place, with the text of the first that has one.
    pub fn location_of(&self, families: impl IntoIterator<Item = usize>) -> Location {
        let mut location = Location::default();
        let mut seen = BTreeSet::new();
        for place in families {
            if let Some(family) = self.workload.families().get(place) {
                let found = self.location(family);
                location.query = location.query.or(found.query);
                let new = found.queryids.into_iter();
                location
                    .queryids
                    .extend(new.filter(|queryid| seen.insert(*queryid)));
            }
        }
        location
    }

    /// What a part of a family's time costs; `part` is 0..1.
    pub fn impact(&self, family: &Family, part: f64) -> Impact {
        let time = Millis(family.time().get() * part);
        let share = self.workload.share(time);
        if !self.snapshot.scope.is_workload() {
            return Impact {
                text: plan_text(part),
                time_ms: Some(time),
                share,
                calls: None,
            };
        }
        Impact {
            text: impact_text(family),
            time_ms: Some(time),
            share,
            calls: Some(family.calls()),
        }
    }

    /// A finding about a node of a plan: places it, and weighs it by `part` of the statement's time, or without
    /// counters by `part` itself.
    pub fn of_node(&self, plan: &CasePlan<'a>, node: &Node, part: f64, draft: Draft) -> Proposal {
        let family = plan
            .family
            .and_then(|place| self.workload.families().get(place));
        let place = family.map_or_else(|| plain_location(plan), |family| self.location(family));
        let location = Location {
            node: Some(plan.plan.label(node)),
            table: draft.location().table.clone(),
            columns: draft.location().columns.clone(),
            ..place
        };
        Proposal {
            families: plan.family.into_iter().collect(),
            draft: self.weighed(plan, part, draft.at(location)),
        }
    }

    /// A draft that costs `part` of the time of the plan's statement, or without counters of the plan.
    pub fn weighed(&self, plan: &CasePlan<'a>, part: f64, draft: Draft) -> Draft {
        match self.timed(plan) {
            Some(family) => draft.costing(self.impact(family, part)),
            None => draft
                .costing(plain_impact(part))
                .weighed(Weight::Plan(part)),
        }
    }

    /// The part that such a draft costs, 0..1.
    pub fn part(&self, plan: &CasePlan<'a>, draft: &Draft) -> f64 {
        match (draft.weight(), self.timed(plan)) {
            (Weight::Plan(part), _) => part,
            (_, Some(family)) => {
                let time = draft.impact().time_ms.unwrap_or_default();
                ratio(time.get(), family.time().get()).unwrap_or_default()
            }
            (_, None) => 0.0,
        }
    }

    fn timed(&self, plan: &CasePlan<'a>) -> Option<&Family> {
        let family = self.workload.families().get(plan.family?);
        family.filter(|family| family.time().get() > 0.0)
    }

    /// A family's plans, the one that tells most of its calls first: of those that were executed, the one whose time is
    /// nearest to the calls' mean, because plans of other parameter values may be quite different.
    pub fn plans_of(&self, family: usize) -> Vec<&CasePlan<'a>> {
        let family_of = self.workload.families().get(family);
        let mean = family_of.and_then(Family::mean);
        let off = |plan: &CasePlan<'a>| off_mean(plan.plan.execution_time, mean);
        let of_family = self.plans.iter().filter(|plan| plan.family == Some(family));
        let mut plans: Vec<&CasePlan<'a>> = of_family.collect();
        plans.sort_by(|one, other| {
            let executed = other.is_analyzed().cmp(&one.is_analyzed());
            executed.then(off(one).total_cmp(&off(other)))
        });
        plans
    }

    /// The canonical shape of a plan's statement; of a plan without text, what it reads.
    pub fn shape(&self, plan: &CasePlan<'a>) -> String {
        if self.text(plan).is_empty() {
            return nameless(plan);
        }
        let family = plan
            .family
            .and_then(|place| self.workload.families().get(place));
        family.map_or_else(
            || {
                crate::sql::family::Family::of(text(plan))
                    .fingerprint
                    .as_str()
                    .to_owned()
            },
            |family| family.fingerprint().as_str().to_owned(),
        )
    }

    /// A plan's statement in a few words; of a plan without text, what it reads.
    pub fn label(&self, plan: &CasePlan<'a>) -> String {
        match self.text(plan) {
            "" => nameless(plan),
            text => label(text),
        }
    }

    /// The text of a plan's statement.
    pub fn text<'p>(&self, plan: &'p CasePlan<'a>) -> &'p str
    where
        'a: 'p,
    {
        let family = plan
            .family
            .and_then(|place| self.workload.families().get(place));
        family.map_or_else(|| text(plan), |family| self.workload.text(family))
    }
}

fn nameless(plan: &CasePlan<'_>) -> String {
    let nodes = plan.plan.nodes();
    let names: BTreeSet<&str> = nodes
        .filter_map(|node| node.target.relation.as_deref())
        .collect();
    match names.len() {
        0 => "a plan without tables".to_owned(),
        _ => format!(
            "a plan of {}",
            names.into_iter().collect::<Vec<_>>().join(", ")
        ),
    }
}

fn text<'p>(plan: &'p CasePlan<'_>) -> &'p str {
    let own = plan.record.text.as_deref();
    own.or(plan.plan.query_text.as_deref()).unwrap_or_default()
}

fn plain_location(plan: &CasePlan<'_>) -> Location {
    Location {
        queryids: plan.record.key.queryid.into_iter().collect(),
        query: Some(text(plan).to_owned()).filter(|text| !text.is_empty()),
        ..Location::default()
    }
}

fn plain_impact(part: f64) -> Impact {
    Impact {
        text: plan_text(part),
        ..Impact::default()
    }
}

fn plan_text(part: f64) -> String {
    format!("{} of the plan", format::percent(part))
}

/// `name(a, b)`.
pub fn with_columns(name: &str, columns: &[String]) -> String {
    if columns.is_empty() {
        return name.to_owned();
    }
    let quoted: Vec<_> = columns.iter().map(|column| quote_ident(column)).collect();
    format!("{name}({})", quoted.join(", "))
}

fn impact_text(family: &Family) -> String {
    let calls = format::count(float(family.calls()));
    let time = format::duration(family.time());
    match (family.calls(), family.mean()) {
        (1, _) => format!("1 call, {time}"),
        (_, Some(mean)) => format!("{calls} calls, {} each, {time}", format::duration(mean)),
        (_, None) => format!("{calls} calls"),
    }
}
