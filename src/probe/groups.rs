//! Plans of many given statements in few round trips: each as the planner would have it, and each without sequential
//! scans as far as that is possible.
//!
//! A group of statements shares one transaction and one question to the guard, which stands before all of them: where
//! it has anything to say of their names together, they are parted. What it has an objection to, and a value that needs
//! a closer look, is probed by itself, as a workload's statements are.

mod planner;

use std::collections::{BTreeMap, BTreeSet};

use planner::{Chosen, Keeping, Planned, Planner, grouped, sent};
use tokio::sync::watch;
use tokio::time::Instant;

use super::attempt::{Attempt, Context, Probed};
use super::catalog::{Tables, TablesUnder};
use super::explain::InferredType;
use super::fault::Fault;
use super::guard::{GuardNames, Hold, TextVerdict, Writes, judge_text};
use super::inquiry::{Inquiry, Purpose, READER_WAITS_FOR};
use super::link::{Access, ProbeSession, Settings};
use super::paths::RolePaths;
use super::sample::row_query;
use super::settings::allowed_settings;
use super::step::{PLAN_TIMEOUT, Verdicts};
use super::values::{Known, Source};
use super::{Mode, ProbeOptions, read_statistics, write_down};
use crate::connect::Session;
use crate::ids::QualifiedName;
use crate::snapshot::{
    Execution, ParameterValue, ParameterVariant, PlanRecord, PlannedText, ProbeStatus, Scans,
    Snapshot, Statement,
};
use crate::sql::mentions::Mentions;
use crate::sql::parameters::{Parameters, parameters};

/// Values that the user gave for a statement's parameters, by number; `None` is NULL.
pub type Given = BTreeMap<u32, Option<String>>;

/// Statements that share a transaction: the question to the guard takes the server as long as some hundred plans.
const GROUP: usize = 500;

/// What makes the planner show whether an index can serve: on tables of a few rows it would join two of them by reading
/// both whole, though one leads to the other by an index.
const BY_INDEX: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
];

/// Gets two plans of every statement of the snapshot, see [`Scans`], and writes them and the outcomes into it. `given`
/// are the values of the parameters, in the order of the statements. Nothing is executed.
pub async fn plan_all(
    session: &Session,
    snapshot: &mut Snapshot,
    given: &[Given],
    options: &ProbeOptions,
    cancelled: watch::Receiver<bool>,
) {
    let budget_end = Instant::now() + options.time();
    let mut done = 0;
    if let Err(fault) = all(
        session, snapshot, given, options, cancelled, budget_end, &mut done,
    )
    .await
    {
        let hold = match fault {
            Fault::Cancelled => Hold::new("cancelled"),
            fault => Hold::new(format!("the connection was lost: {fault}")),
        };
        let left = snapshot.statements.get(done..).unwrap_or_default().to_vec();
        for statement in left {
            let probed = Probed::without_plan(ProbeStatus::NotProbed, hold.clone());
            write_down(snapshot, &statement, probed);
        }
    }
}

async fn all(
    base: &Session,
    snapshot: &mut Snapshot,
    given: &[Given],
    options: &ProbeOptions,
    cancelled: watch::Receiver<bool>,
    budget_end: Instant,
    done: &mut usize,
) -> Result<(), Fault> {
    let deadline = budget_end + super::AFTER_BUDGET;
    let (session, beside) = futures_util::join!(
        Box::pin(ProbeSession::open(base, cancelled.clone(), deadline)),
        Box::pin(ProbeSession::open(base, cancelled, deadline))
    );
    let session = session?;
    // Where the server has no place for it, one session does both one after the other.
    let beside = beside.ok();
    let mut tables = Tables::new(&snapshot.tables);
    let every: Vec<usize> = (0..snapshot.statements.len()).collect();
    read_statistics(&session, snapshot, &every, &mut tables).await?;
    let paths = RolePaths::default();
    let role = snapshot.role.clone();
    let options = ProbeOptions {
        mode: Mode::Plan,
        writes: Writes::Planned,
        ..options.clone()
    };
    let settings = allowed_settings(&options);
    let context = Context {
        session: &session,
        options: &options,
        settings: &settings,
        role: &role,
        paths: &paths,
        budget_end,
    };
    let statements = snapshot.statements.clone();
    let mut given = given.iter();
    let nothing = Given::default();
    let wishes: Vec<Wish<'_>> = statements
        .iter()
        .map(|statement| Wish::of(statement, given.next().unwrap_or(&nothing)))
        .collect();
    for group in wishes.chunks(GROUP) {
        let mut found = BTreeMap::new();
        for nth in 0.. {
            let left = by_path(&context, group, &found, &tables, nth);
            if left.is_empty() {
                break;
            }
            for (path, members) in left {
                let planner = Planner {
                    context: &context,
                    beside: beside.as_ref(),
                    path: &path,
                };
                found.extend(by_group(&planner, &members, &mut tables).await?);
            }
        }
        for (place, wish) in group.iter().enumerate() {
            let probed = match found.remove(&place) {
                Some(plans) => Probed {
                    status: ProbeStatus::Planned,
                    hold: None,
                    rejection: None,
                    plans,
                },
                None => alone(&context, wish, &mut tables).await?,
            };
            write_down(snapshot, wish.statement, probed);
            *done += 1;
        }
    }
    Ok(())
}

/// A statement that is to be planned.
struct Wish<'a> {
    statement: &'a Statement,
    text: &'a str,
    mentions: Mentions,
    verdict: TextVerdict,
    given: &'a Given,
}

impl<'a> Wish<'a> {
    fn of(statement: &'a Statement, given: &'a Given) -> Self {
        let text = statement.query.as_deref().unwrap_or_default();
        let mentions = Mentions::of(text);
        Self {
            statement,
            text,
            verdict: judge_text(&mentions),
            mentions,
            given,
        }
    }

    fn record(&self, planned: Planned, values: Vec<ParameterValue>, scans: Scans) -> PlanRecord {
        PlanRecord {
            key: self.statement.key.clone(),
            variant: if values.is_empty() {
                ParameterVariant::None
            } else {
                ParameterVariant::Typical
            },
            execution: Execution::Planned,
            planned_text: PlannedText::AsWritten,
            scans,
            text: None,
            parameters: values,
            round_trip_ms: None,
            runs_ms: Vec::new(),
            planned_again_ms: Vec::new(),
            plan: planned,
        }
    }
}

/// A statement of a group and its place in it.
type Member<'w> = (usize, &'w Wish<'w>);

/// Those statements of a group that may be planned and are not yet, by the `nth` search path under which their tables
/// may be found: a file may set its own.
fn by_path<'w>(
    context: &Context<'_>,
    group: &'w [Wish<'w>],
    found: &BTreeMap<usize, Vec<PlanRecord>>,
    tables: &Tables,
    nth: usize,
) -> BTreeMap<Vec<String>, Vec<Member<'w>>> {
    let mut left: BTreeMap<Vec<String>, Vec<Member<'w>>> = BTreeMap::new();
    for (place, wish) in group.iter().enumerate() {
        if found.contains_key(&place) || matches!(wish.verdict, TextVerdict::Refused(_)) {
            continue;
        }
        let paths = context.search_paths(wish.statement, &wish.mentions, tables);
        if let Some(path) = paths.into_iter().nth(nth) {
            left.entry(path).or_default().push((place, wish));
        }
    }
    left
}

/// The plans of those statements of a group that the server plans as they stand, by their place in it.
async fn by_group(
    planner: &Planner<'_>,
    members: &[Member<'_>],
    tables: &mut Tables,
) -> Result<BTreeMap<usize, Vec<PlanRecord>>, Fault> {
    let uses: Vec<Parameters> = members
        .iter()
        .map(|(_, wish)| parameters(wish.text, &tables.under(planner.path)))
        .collect();
    sample(planner, members, &uses, tables).await?;
    let mut chosen = Vec::new();
    let mut untyped = Vec::new();
    for (&(place, wish), uses) in members.iter().zip(&uses) {
        match values(wish, uses, None, &tables.under(planner.path)) {
            Some(values) => chosen.push(Chosen {
                place,
                wish,
                values,
            }),
            None => untyped.push((place, wish, uses)),
        }
    }
    let wishes: Vec<&Wish<'_>> = untyped.iter().map(|(_, wish, _)| *wish).collect();
    let types = planner.types(&wishes).await?;
    for ((place, wish, uses), types) in untyped.into_iter().zip(types) {
        let known =
            types.and_then(|types| values(wish, uses, Some(&types), &tables.under(planner.path)));
        if let Some(values) = known {
            chosen.push(Chosen {
                place,
                wish,
                values,
            });
        }
    }
    let explained = planner.plan(&chosen).await?;
    let mut found = BTreeMap::new();
    for (chosen, (as_set, by_index)) in chosen.into_iter().zip(explained) {
        if let (Some(as_set), Some(by_index)) = (as_set, by_index) {
            let Chosen {
                place,
                wish,
                values,
            } = chosen;
            let plans = vec![
                wish.record(as_set, values.clone(), Scans::AsSet),
                wish.record(by_index, values, Scans::ByIndex),
            ];
            found.insert(place, plans);
        }
    }
    Ok(found)
}

/// Values for all parameters; `None` where one is not known, or only by its type, which the server has to be asked for.
fn values(
    wish: &Wish<'_>,
    uses: &Parameters,
    types: Option<&[InferredType]>,
    tables: &TablesUnder<'_>,
) -> Option<Vec<ParameterValue>> {
    let known = Known {
        uses,
        count: super::attempt::parameter_count(wish.text),
        types,
        tables,
        source: Source::Columns,
        given: wish.given,
    };
    known
        .choose(ParameterVariant::Typical)
        .filter(|values| !known.lacks(values))
}

/// Looks at one row of each table of a group's parameters that has no statistics.
async fn sample(
    planner: &Planner<'_>,
    members: &[Member<'_>],
    uses: &[Parameters],
    tables: &mut Tables,
) -> Result<(), Fault> {
    let (context, session) = (planner.context, planner.context.session);
    let Some((_, first)) = members.first() else {
        return Ok(());
    };
    let attempt = Attempt {
        context,
        statement: first.statement,
        path: planner.path,
        verdicts: Verdicts::default(),
    };
    let mut wanted: BTreeMap<QualifiedName, BTreeSet<String>> = BTreeMap::new();
    for uses in uses {
        for (table, columns) in attempt.unknown_columns(uses, tables) {
            wanted.entry(table).or_default().extend(columns);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: Vec<(QualifiedName, Vec<String>)> = wanted
        .into_iter()
        .map(|(table, columns)| (table, columns.into_iter().collect()))
        .collect();
    let texts: Vec<String> = wanted
        .iter()
        .map(|(table, columns)| row_query(table, columns))
        .collect();
    let mut names = GuardNames::default();
    for text in &texts {
        names.add(&Mentions::of(text));
    }
    let inquiry = Inquiry {
        names,
        schemas: session.schemas(),
        trusted: &context.options.trust_owners,
        access: Access::Read,
        writes: Writes::Planned,
        waits_for: READER_WAITS_FOR,
    };
    let preamble = session.preamble(PLAN_TIMEOUT, &[], &Settings::default());
    let requests = texts
        .iter()
        .map(|text| session.client().query_typed(text, &[]));
    let work = Box::pin(sent(session, &preamble, requests, Keeping::Savepoints));
    let rows = match grouped(session, &inquiry, Purpose::Execute, work).await {
        Err(fault) if fault.is_lost() => return Err(fault),
        done => done.unwrap_or_default().unwrap_or_default(),
    };
    let mut rows = rows.into_iter();
    for (table, columns) in &wanted {
        let found = rows.next().and_then(Result::ok).unwrap_or_default();
        for (place, column) in columns.iter().enumerate() {
            let value = found
                .first()
                .and_then(|row| row.try_get(place).unwrap_or_default());
            tables.remember(table, column, value);
        }
    }
    Ok(())
}

/// The plans of one statement that needs a closer look.
async fn alone(
    context: &Context<'_>,
    wish: &Wish<'_>,
    tables: &mut Tables,
) -> Result<Probed, Fault> {
    let options = ProbeOptions {
        given: wish.given.clone(),
        ..context.options.clone()
    };
    let own = Context {
        options: &options,
        ..*context
    };
    let mut probed = own.probe(wish.statement, wish.text, tables).await?;
    probed.plans.truncate(1);
    if probed.plans.is_empty() {
        return Ok(probed);
    }
    let mut settings = context.settings.clone();
    for (name, value) in BY_INDEX {
        settings.set(name, value);
    }
    let forced = Context {
        options: &options,
        settings: &settings,
        ..*context
    };
    let by_index = forced.probe(wish.statement, wish.text, tables).await?;
    let other = by_index.plans.into_iter().next().map(|plan| PlanRecord {
        scans: Scans::ByIndex,
        ..plan
    });
    probed.plans.extend(other);
    for plan in &mut probed.plans {
        plan.round_trip_ms = None;
    }
    Ok(probed)
}
