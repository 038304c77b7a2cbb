//! `parameter_sensitive_plan`: other values of its parameters give a statement another plan, or many times its time.

use std::collections::BTreeMap;

use super::support::{Words, advice, label, subject};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Draft, Evidence, Recommendation, Severity, Unit, Weight};
use crate::format;
use crate::ids::StatementKey;
use crate::plan::{Node, NodeType};
use crate::snapshot::{Area, ParameterVariant};
use crate::units::{Cost, Millis, ratio};

static MIN_FACTOR: Threshold<f64> = Threshold {
    key: "parameter_sensitive_plan.min_factor",
    default: 10.0,
    unit: Unit::Factor,
    what: "time of the slower execution over that of the faster, where the plans are alike",
};

/// The slower execution takes at least this long: below, a cold cache is the likelier reason.
static MIN_TIME: Threshold<Millis> = Threshold {
    key: "parameter_sensitive_plan.min_time_ms",
    default: Millis(10.0),
    unit: Unit::Ms,
    what: "time of the slower execution, where the plans are alike",
};

/// The dearer plan costs at least this much: as much as reading 100 pages one after the other (`seq_page_cost` 1).
static MIN_COST: Threshold<Cost> = Threshold {
    key: "parameter_sensitive_plan.min_cost",
    default: Cost(100.0),
    unit: Unit::Cost,
    what: "cost of the dearer plan, where the plans differ",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("parameter_sensitive_plan"),
    title: "parameter-sensitive plan",
    summary: "typical, most common and rare parameter values give different plans, or ten times the time",
    category: Category::Plan,
    needs: &[Area::Plans, Area::ColumnStatistics],
    thresholds: &[&MIN_FACTOR, &MIN_TIME, &MIN_COST],
    page: include_str!("parameter_sensitive_plan.md"),
};

/// The check.
#[derive(Debug)]
pub struct ParameterSensitivePlan;

impl Check for ParameterSensitivePlan {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let mut of_statement: BTreeMap<&StatementKey, Vec<&CasePlan<'_>>> = BTreeMap::new();
        let plans = case.plans.iter();
        for plan in plans.filter(|plan| words(plan.record.variant).is_some()) {
            of_statement.entry(&plan.record.key).or_default().push(plan);
        }
        found.extend(
            of_statement
                .into_values()
                .filter_map(|plans| propose(case, &plans)),
        );
    }
}

/// What the values are called; `None` for a plan whose values are of no kind.
const fn words(variant: ParameterVariant) -> Option<&'static str> {
    match variant {
        ParameterVariant::Typical => Some("typical values"),
        ParameterVariant::MostCommon => Some("the most common values"),
        ParameterVariant::Rare => Some("rare values"),
        ParameterVariant::None | ParameterVariant::Generic | ParameterVariant::Given => None,
    }
}

/// Two plans of one statement, the cheaper first.
struct Pair<'p, 'a> {
    cheap: &'p CasePlan<'a>,
    dear: &'p CasePlan<'a>,
    /// The part of the dear plan's time, or else cost, that the cheap one does not take; 0..1.
    apart: f64,
    differs: Option<[String; 2]>,
}

fn propose<'a>(case: &Case<'a>, plans: &[&CasePlan<'a>]) -> Option<Proposal> {
    let pairs = plans.iter().enumerate().flat_map(|(place, one)| {
        let others = plans.iter().skip(place + 1);
        others.filter_map(move |other| pair(case, one, other))
    });
    let pair = pairs.max_by(|one, other| {
        let differs = one.differs.is_some().cmp(&other.differs.is_some());
        differs.then(one.apart.total_cmp(&other.apart))
    })?;
    let dear = pair.dear;
    let mut numbers = times(&pair).into_iter().flatten().chain(costs(&pair));
    let title = format!(
        "parameter-sensitive plan: {} in {}",
        difference(&pair),
        label(case.text(dear))
    );
    let draft = Draft::new(
        subject(&case.shape(dear)),
        title,
        numbers.next()?,
        advise(&pair),
    )
    .with_all(numbers);
    let root = dear.plan.root();
    let proposal = case.of_node(dear, root, pair.apart, draft);
    // The planner chooses well as long as it sees the values: what is at stake is what happens when it does not.
    let draft = proposal.draft.weighed(Weight::AtMost(Severity::Medium));
    Some(Proposal { draft, ..proposal })
}

/// The pair where the plans differ, or the times do.
fn pair<'p, 'a>(
    case: &Case<'_>,
    one: &'p CasePlan<'a>,
    other: &'p CasePlan<'a>,
) -> Option<Pair<'p, 'a>> {
    let timed = execution(one).zip(execution(other));
    let weights = match timed {
        Some((one, other)) => (one.get(), other.get()),
        None => (cost(one)?.get(), cost(other)?.get()),
    };
    let (cheap, dear, less, more) = if weights.0 <= weights.1 {
        (one, other, weights.0, weights.1)
    } else {
        (other, one, weights.1, weights.0)
    };
    let costly = cost(one)?.get().max(cost(other)?.get()) >= MIN_COST.of(case).get();
    let differs = differing(cheap, dear).filter(|_| costly);
    let factor = ratio(more, less).unwrap_or(f64::INFINITY);
    let slower =
        timed.is_some() && more >= MIN_TIME.of(case).get() && factor >= MIN_FACTOR.of(case);
    (differs.is_some() || slower).then(|| Pair {
        cheap,
        dear,
        apart: ratio(more - less, more).unwrap_or_default(),
        differs,
    })
}

fn execution(plan: &CasePlan<'_>) -> Option<Millis> {
    plan.plan.execution_time.filter(|_| plan.is_analyzed())
}

fn cost(plan: &CasePlan<'_>) -> Option<Cost> {
    plan.plan.root().planned.map(|planned| planned.total_cost)
}

/// The first two nodes in which the plans do something else.
fn differing(cheap: &CasePlan<'_>, dear: &CasePlan<'_>) -> Option<[String; 2]> {
    let (one, other) = (shape(cheap), shape(dear));
    if one == other {
        return None;
    }
    let lack = |of: &BTreeMap<String, String>, from: &BTreeMap<String, String>| {
        let own = of.iter().find(|(node, _)| !from.contains_key(*node));
        own.map(|(_, label)| label.clone())
    };
    Some([lack(&one, &other)?, lack(&other, &one)?])
}

/// How a plan reaches its tables and joins them: each way with its node's label. Index scans of every kind are one way,
/// and parallel workers, sorts and caches are left out: they follow from row counts smoothly.
fn shape(plan: &CasePlan<'_>) -> BTreeMap<String, String> {
    let nodes = plan.plan.nodes();
    nodes
        .filter_map(|node| Some((way(node)?, plan.plan.label(node))))
        .collect()
}

fn way(node: &Node) -> Option<String> {
    let kind = match node.node_type {
        NodeType::SeqScan => "all",
        NodeType::IndexScan | NodeType::IndexOnlyScan | NodeType::BitmapHeapScan => "index",
        NodeType::NestedLoop | NodeType::HashJoin | NodeType::MergeJoin => {
            return Some(node.node_type.to_string());
        }
        _ => return None,
    };
    let relation = node.target.relation.as_deref()?;
    let alias = node.target.alias.as_deref().unwrap_or(relation);
    Some(format!("{kind} {relation} {alias}"))
}

fn difference(pair: &Pair<'_, '_>) -> String {
    let of = |plan: &CasePlan<'_>| words(plan.record.variant).unwrap_or_default();
    let time = |plan| execution(plan).map(format::duration).unwrap_or_default();
    let times = || [time(pair.cheap), time(pair.dear)];
    let [cheap, dear] = pair.differs.clone().unwrap_or_else(times);
    format!(
        "{cheap} for {}, {dear} for {}",
        of(pair.cheap),
        of(pair.dear)
    )
}

fn times(pair: &Pair<'_, '_>) -> Option<[Evidence; 2]> {
    let of = |plan: &CasePlan<'_>| {
        let pointer = format!("/plans/{}/plan/Execution Time", plan.place);
        let label = format!("time with {}", words(plan.record.variant)?);
        let time = execution(plan)?.get();
        Some(Evidence::read(
            label,
            time,
            Unit::Ms,
            plan.source(),
            pointer,
        ))
    };
    Some([of(pair.dear)?, of(pair.cheap)?])
}

fn costs(pair: &Pair<'_, '_>) -> impl Iterator<Item = Evidence> {
    let of = |plan: &CasePlan<'_>| {
        let label = format!("planner cost with {}", words(plan.record.variant)?);
        let root = plan.plan.root();
        Some(plan.read(&label, cost(plan)?.get(), Unit::Cost, root, "Total Cost"))
    };
    [of(pair.dear), of(pair.cheap)].into_iter().flatten()
}

fn advise(pair: &Pair<'_, '_>) -> Recommendation {
    let words = match pair.differs {
        Some(_) => Words {
            summary: "let every execution be planned with its values: plan_cache_mode = force_custom_plan for its role, or send it unprepared; \
                      a partial index serves the rare values alone",
            expected: "each value keeps its own plan; a prepared statement may turn to one plan for all values after five executions",
            risk: "planning at each execution, about a millisecond for a few tables",
        },
        None => Words {
            summary: "look at what the application does with the common values: it may need a limit or another way to them",
            expected: "no execution takes many times the usual time",
            risk: "none until something is changed",
        },
    };
    let kind = match pair.differs {
        Some(_) => Action::ChangeSetting,
        None => Action::Investigate,
    };
    advice(kind, words)
}
