//! Plans of many given statements in few round trips: each as the planner would have it, and each without sequential
//! scans as far as that is possible.
//!
//! A group of statements shares one transaction and one question to the guard, which stands before all of them: where it
//! has anything to say of their names together, or a value needs a closer look, the statement is probed by itself, as a
//! workload's are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::attempt::{Attempt, Context, Probed};
use super::catalog::Tables;
use super::explain::{TextValue, plan};
use super::fault::Fault;
use super::guard::{GuardNames, Hold, TextVerdict, Writes, judge_text};
use super::inquiry::{Inquiry, Purpose, READER_WAITS_FOR, WRITER_WAITS_FOR};
use super::link::{Access, Parameter, ProbeSession, SET, Settings};
use super::paths::RolePaths;
use super::sample::row_query;
use super::step::{PLAN_TIMEOUT, Verdicts};
use super::values::{Known, Source};
use super::{Mode, ProbeOptions, allowed_settings, read_statistics, write_down};
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

/// How long a group may take in all; each of its statements has [`PLAN_TIMEOUT`].
const GROUP_TIMEOUT: Duration = Duration::from_secs(60);

/// What makes the planner show whether an index can serve: on tables of a few rows it would join two of them by reading
/// both whole, though one leads to the other by an index.
const BY_INDEX: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
];

/// Without what differs from run to run.
const EXPLAIN: &str =
    "EXPLAIN (VERBOSE true, COSTS true, SETTINGS true, FORMAT JSON) /* pgtriage */ ";

const SAVE: &str = "SAVEPOINT pgtriage_group /* pgtriage */";
/// The next statement finds the transaction as the first one did, whatever became of this one.
const RESTORE: &str = "ROLLBACK TO SAVEPOINT pgtriage_group /* pgtriage */";

/// Gets two plans of every statement of the snapshot, see [`Scans`], and writes them and the outcomes into it. `given` are
/// the values of the parameters, in the order of the statements. Nothing is executed.
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
        let mut found = by_group(&context, beside.as_ref(), group, &mut tables).await?;
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

/// EXPLAIN's document.
type Planned = serde_json::Value;

/// The plans of those statements of a group that the server plans as they stand, by their place in it.
async fn by_group(
    context: &Context<'_>,
    beside: Option<&ProbeSession>,
    group: &[Wish<'_>],
    tables: &mut Tables,
) -> Result<BTreeMap<usize, Vec<PlanRecord>>, Fault> {
    let session = context.session;
    let path = session.schemas().to_vec();
    let known: Vec<(usize, &Wish<'_>)> = group
        .iter()
        .enumerate()
        .filter(|(_, wish)| !matches!(wish.verdict, TextVerdict::Refused(_)))
        .collect();
    let uses: Vec<Parameters> = known
        .iter()
        .map(|(_, wish)| parameters(wish.text, &tables.under(&path)))
        .collect();
    sample(context, group, &uses, tables).await?;
    let mut chosen = Vec::new();
    for ((place, wish), uses) in known.iter().zip(&uses) {
        if let Some(values) = values(wish, uses, tables, &path) {
            chosen.push((*place, *wish, values));
        }
    }
    let mut names = GuardNames::default();
    for (_, wish, _) in &chosen {
        names.add(&wish.mentions);
    }
    let modifies = chosen
        .iter()
        .any(|(_, wish, _)| matches!(wish.verdict, TextVerdict::Modifies(_)));
    let inquiry = Inquiry {
        names,
        schemas: &path,
        trusted: &context.options.trust_owners,
        access: Access::Read,
        writes: Writes::Planned,
        waits_for: if modifies {
            WRITER_WAITS_FOR
        } else {
            READER_WAITS_FOR
        },
    };
    let bound: Vec<Bound<'_>> = chosen
        .iter()
        .map(|(_, wish, values)| Bound::of(wish.text, values))
        .collect();
    let planner = Planner {
        context,
        beside,
        inquiry: &inquiry,
    };
    let explained = planner.explain(&bound).await?;
    let mut found = BTreeMap::new();
    for ((place, wish, values), (as_set, by_index)) in chosen.into_iter().zip(explained) {
        if let (Some(as_set), Some(by_index)) = (as_set, by_index) {
            let plans = vec![
                wish.record(as_set, values.clone(), Scans::AsSet),
                wish.record(by_index, values, Scans::ByIndex),
            ];
            found.insert(place, plans);
        }
    }
    Ok(found)
}

/// Values for all parameters; `None` where one is known only by its type, which the server has to be asked for.
fn values(
    wish: &Wish<'_>,
    uses: &Parameters,
    tables: &Tables,
    path: &[String],
) -> Option<Vec<ParameterValue>> {
    let known = Known {
        uses,
        count: super::attempt::parameter_count(wish.text),
        types: None,
        tables: &tables.under(path),
        source: Source::Columns,
        given: wish.given,
    };
    known
        .choose(ParameterVariant::Typical)
        .filter(|values| !known.lacks(values))
}

/// A statement's EXPLAIN and the values that go with it.
struct Bound<'v> {
    sql: String,
    values: Vec<TextValue<'v>>,
}

impl<'v> Bound<'v> {
    fn of(text: &str, values: &'v [ParameterValue]) -> Self {
        Self {
            sql: format!("{EXPLAIN}{text}"),
            values: values
                .iter()
                .map(|value| TextValue(value.value.as_deref()))
                .collect(),
        }
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        let values = self.values.iter();
        values
            .map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN))
            .collect()
    }
}

/// What becomes of a transaction whose statement fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// It is lost with all that follows: savepoints take the server as long as the plans do.
    Nothing,
    /// It goes on as it was.
    Savepoints,
}

/// A statement's plan as the settings have it, and the one without sequential scans.
type BothPlans = (Option<Planned>, Option<Planned>);

/// Plans a group both ways, each in a transaction behind the guard's question.
struct Planner<'p> {
    context: &'p Context<'p>,
    /// A session that makes the plans without sequential scans while the other makes those as set.
    beside: Option<&'p ProbeSession>,
    inquiry: &'p Inquiry<'p>,
}

impl Planner<'_> {
    /// Both plans of each statement. Where one fails, savepoints keep it from those behind it.
    async fn explain(&self, bound: &[Bound<'_>]) -> Result<Vec<BothPlans>, Fault> {
        let all: Vec<&Bound<'_>> = bound.iter().collect();
        let mut plans = self.explain_keeping(&all, Keeping::Nothing).await?;
        let is_whole = |(one, other): &BothPlans| one.is_some() && other.is_some();
        let left: Vec<usize> = (0..)
            .zip(&plans)
            .filter(|(_, plans)| !is_whole(plans))
            .map(|(place, _)| place)
            .collect();
        if left.is_empty() {
            return Ok(plans);
        }
        let others: Vec<&Bound<'_>> = left.iter().filter_map(|place| bound.get(*place)).collect();
        let again = self.explain_keeping(&others, Keeping::Savepoints).await?;
        for (place, again) in left.into_iter().zip(again) {
            if let Some(plans) = plans.get_mut(place) {
                *plans = again;
            }
        }
        Ok(plans)
    }

    async fn explain_keeping(
        &self,
        bound: &[&Bound<'_>],
        keeping: Keeping,
    ) -> Result<Vec<BothPlans>, Fault> {
        let mut by_index = self.context.settings.clone();
        for (name, value) in BY_INDEX {
            by_index.set(name, value);
        }
        let session = self.context.session;
        let as_set = Box::pin(self.one_way(session, self.context.settings, bound, keeping));
        let by_index = |session| Box::pin(self.one_way(session, &by_index, bound, keeping));
        let (as_set, by_index) = match self.beside {
            Some(beside) => futures_util::join!(as_set, by_index(beside)),
            None => (as_set.await, by_index(session).await),
        };
        Ok(as_set?.into_iter().zip(by_index?).collect())
    }

    /// The plan of each statement, in one transaction and one round trip; none where the guard has an objection.
    async fn one_way(
        &self,
        session: &ProbeSession,
        settings: &Settings,
        bound: &[&Bound<'_>],
        keeping: Keeping,
    ) -> Result<Vec<Option<Planned>>, Fault> {
        let preamble = session.preamble(PLAN_TIMEOUT, self.inquiry.schemas, settings);
        let work = Box::pin(explained(session, &preamble, bound, keeping));
        let none = || bound.iter().map(|_| None).collect();
        match grouped(session, self.inquiry, Purpose::Plan, work).await {
            Err(fault) if !fault.is_lost() => Ok(none()),
            done => Ok(done?.unwrap_or_else(none)),
        }
    }
}

async fn explained(
    session: &ProbeSession,
    preamble: &Settings,
    bound: &[&Bound<'_>],
    keeping: Keeping,
) -> Result<Vec<Option<Planned>>, Error> {
    let parameters: Vec<Vec<Parameter<'_>>> =
        bound.iter().map(|bound| bound.parameters()).collect();
    let requests = bound.iter().zip(&parameters);
    let requests = requests.map(|(bound, parameters)| (bound.sql.as_str(), parameters.as_slice()));
    let rows = sent(session, preamble, requests, keeping).await?;
    let plan = |rows: Result<Vec<Row>, Error>| plan(&rows.ok()?).ok();
    Ok(rows.into_iter().map(plan).collect())
}

/// Sends queries with their parameters behind one another, after the settings that they run under: one round trip.
async fn sent<'q>(
    session: &ProbeSession,
    preamble: &Settings,
    requests: impl Iterator<Item = (&'q str, &'q [Parameter<'q>])>,
    keeping: Keeping,
) -> Result<Vec<Result<Vec<Row>, Error>>, Error> {
    let client = session.client();
    let preamble = preamble.parameters();
    let each = requests.map(|(sql, parameters)| {
        let one = async move {
            let query = client.query_typed(sql, parameters);
            if keeping == Keeping::Nothing {
                return query.await;
            }
            let (rows, restored) = futures_util::join!(query, client.batch_execute(RESTORE));
            restored.and(rows)
        };
        Box::pin(one)
    });
    let (set, saved, rows) = futures_util::join!(
        client.query_typed(SET, &preamble),
        client.batch_execute(SAVE),
        join_all(each)
    );
    set?;
    saved?;
    Ok(rows)
}

/// Work in one transaction, behind the guard's question; `None` where that has an objection.
async fn grouped<T>(
    session: &ProbeSession,
    inquiry: &Inquiry<'_>,
    purpose: Purpose,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Fault> {
    session.begin(inquiry.access).await?;
    let question = inquiry.again(purpose);
    let work = Box::pin(session.rechecked(&question, work));
    let done = session.bounded(GROUP_TIMEOUT, work).await;
    session.end().await?;
    done
}

/// Looks at one row of each table of a group's parameters that has no statistics.
async fn sample(
    context: &Context<'_>,
    group: &[Wish<'_>],
    uses: &[Parameters],
    tables: &mut Tables,
) -> Result<(), Fault> {
    let session = context.session;
    let Some(first) = group.first() else {
        return Ok(());
    };
    let attempt = Attempt {
        context,
        statement: first.statement,
        path: session.schemas(),
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
        .map(|text| (text.as_str(), &[] as &[Parameter<'_>]));
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
