//! A group of statements in one transaction, behind one question to the guard.

use std::time::Duration;

use futures_util::future::join_all;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::{BY_INDEX, Wish};
use crate::probe::attempt::Context;
use crate::probe::explain::{InferredType, TextValue, inferred, plan};
use crate::probe::fault::Fault;
use crate::probe::guard::{GuardNames, TextVerdict, Writes};
use crate::probe::inquiry::{Inquiry, Purpose, READER_WAITS_FOR, WRITER_WAITS_FOR};
use crate::probe::link::{Access, Parameter, ProbeSession, SET, Settings};
use crate::probe::step::PLAN_TIMEOUT;
use crate::snapshot::ParameterValue;

/// So few statements that one of them brings the guard's objection on are probed one by one sooner than parted further.
const FEW: usize = 8;

/// How long a group may take in all; each of its statements has [`PLAN_TIMEOUT`].
const GROUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Without what differs from run to run.
const EXPLAIN: &str =
    "EXPLAIN (VERBOSE true, COSTS true, SETTINGS true, FORMAT JSON) /* pgtriage */ ";

const SAVE: &str = "SAVEPOINT pgtriage_group /* pgtriage */";
/// The next statement finds the transaction as the first one did, whatever became of this one.
const RESTORE: &str = "ROLLBACK TO SAVEPOINT pgtriage_group /* pgtriage */";

/// EXPLAIN's document.
pub(super) type Planned = serde_json::Value;

/// A statement of a group that has values for all of its parameters.
pub(super) struct Chosen<'w> {
    pub(super) place: usize,
    pub(super) wish: &'w Wish<'w>,
    pub(super) values: Vec<ParameterValue>,
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
pub(super) enum Keeping {
    /// It is lost with all that follows: savepoints take the server as long as the plans do.
    Nothing,
    /// It goes on as it was.
    Savepoints,
}

/// A statement's plan as the settings have it, and the one without sequential scans.
pub(super) type BothPlans = (Option<Planned>, Option<Planned>);

/// Plans groups both ways, each in a transaction behind the guard's question.
pub(super) struct Planner<'p> {
    pub(super) context: &'p Context<'p>,
    /// A session that makes the plans without sequential scans while the other makes those as set.
    pub(super) beside: Option<&'p ProbeSession>,
    /// The schemas that the statements' names are looked up in.
    pub(super) path: &'p [String],
}

impl Planner<'_> {
    /// Both plans of each statement, in their order; none where the guard has an objection.
    pub(super) async fn plan(&self, chosen: &[Chosen<'_>]) -> Result<Vec<BothPlans>, Fault> {
        parted(chosen, async |part| self.plan_together(part).await).await
    }

    /// The types of each statement's parameters, in their order; none where the guard has an objection, or the server
    /// cannot tell.
    pub(super) async fn types(
        &self,
        wishes: &[&Wish<'_>],
    ) -> Result<Vec<Option<Vec<InferredType>>>, Fault> {
        parted(wishes, async |part| self.types_together(part).await).await
    }

    async fn types_together(
        &self,
        wishes: &[&Wish<'_>],
    ) -> Result<Option<Vec<Option<Vec<InferredType>>>>, Fault> {
        let session = self.context.session;
        let inquiry = self.inquiry(wishes.iter().copied());
        let preamble = session.preamble(PLAN_TIMEOUT, inquiry.schemas, self.context.settings);
        let requests = wishes.iter().map(|wish| session.described(wish.text));
        let work = Box::pin(sent(session, &preamble, requests, Keeping::Savepoints));
        match grouped(session, &inquiry, Purpose::Plan, work).await {
            Err(fault) if !fault.is_lost() => Ok(Some(wishes.iter().map(|_| None).collect())),
            done => Ok(done?.map(|all| {
                let types = |rows: Result<Vec<Row>, Error>| inferred(&rows.ok()?).ok();
                all.into_iter().map(types).collect()
            })),
        }
    }

    /// Both plans of each statement; `None` where the guard has an objection. Where one fails, savepoints keep it from
    /// those behind it.
    async fn plan_together(&self, chosen: &[Chosen<'_>]) -> Result<Option<Vec<BothPlans>>, Fault> {
        let inquiry = self.inquiry(chosen.iter().map(|chosen| chosen.wish));
        let bound: Vec<Bound<'_>> = chosen
            .iter()
            .map(|chosen| Bound::of(chosen.wish.text, &chosen.values))
            .collect();
        let all: Vec<&Bound<'_>> = bound.iter().collect();
        let Some(mut plans) = self.explain(&inquiry, &all, Keeping::Nothing).await? else {
            return Ok(None);
        };
        let is_whole = |(one, other): &BothPlans| one.is_some() && other.is_some();
        let left: Vec<usize> = (0..)
            .zip(&plans)
            .filter(|(_, plans)| !is_whole(plans))
            .map(|(place, _)| place)
            .collect();
        if left.is_empty() {
            return Ok(Some(plans));
        }
        let others: Vec<&Bound<'_>> = left.iter().filter_map(|place| bound.get(*place)).collect();
        let again = self.explain(&inquiry, &others, Keeping::Savepoints).await?;
        for (place, again) in left.into_iter().zip(again.unwrap_or_default()) {
            if let Some(plans) = plans.get_mut(place) {
                *plans = again;
            }
        }
        Ok(Some(plans))
    }

    /// What the guard is asked of statements together.
    fn inquiry<'w>(&self, wishes: impl Iterator<Item = &'w Wish<'w>>) -> Inquiry<'_> {
        let mut names = GuardNames::default();
        let mut modifies = false;
        for wish in wishes {
            names.add(&wish.mentions);
            modifies |= matches!(wish.verdict, TextVerdict::Modifies(_));
        }
        Inquiry {
            names,
            schemas: self.path,
            trusted: &self.context.options.trust_owners,
            access: Access::Read,
            writes: Writes::Planned,
            waits_for: if modifies {
                WRITER_WAITS_FOR
            } else {
                READER_WAITS_FOR
            },
        }
    }

    async fn explain(
        &self,
        inquiry: &Inquiry<'_>,
        bound: &[&Bound<'_>],
        keeping: Keeping,
    ) -> Result<Option<Vec<BothPlans>>, Fault> {
        let context = self.context;
        let mut by_index = context.settings.clone();
        for (name, value) in BY_INDEX {
            by_index.set(name, value);
        }
        let session = context.session;
        let as_set = Box::pin(one_way(session, inquiry, context.settings, bound, keeping));
        let by_index = |session| Box::pin(one_way(session, inquiry, &by_index, bound, keeping));
        let (as_set, by_index) = match self.beside {
            Some(beside) => match futures_util::join!(as_set, by_index(beside)) {
                // The server may end one session and keep the other.
                (as_set, Err(_)) => (as_set, by_index(session).await),
                both => both,
            },
            None => (as_set.await, by_index(session).await),
        };
        let both = as_set?.zip(by_index?);
        Ok(both.map(|(as_set, by_index)| as_set.into_iter().zip(by_index).collect()))
    }
}

/// The plan of each statement, in one transaction and one round trip; `None` where the guard has an objection.
async fn one_way(
    session: &ProbeSession,
    inquiry: &Inquiry<'_>,
    settings: &Settings,
    bound: &[&Bound<'_>],
    keeping: Keeping,
) -> Result<Option<Vec<Option<Planned>>>, Fault> {
    let preamble = session.preamble(PLAN_TIMEOUT, inquiry.schemas, settings);
    let work = Box::pin(explained(session, &preamble, bound, keeping));
    match grouped(session, inquiry, Purpose::Plan, work).await {
        Err(fault) if !fault.is_lost() => Ok(Some(bound.iter().map(|_| None).collect())),
        done => done,
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
    let requests =
        requests.map(|(bound, parameters)| session.client().query_typed(&bound.sql, parameters));
    let rows = sent(session, preamble, requests, keeping).await?;
    let plan = |rows: Result<Vec<Row>, Error>| plan(&rows.ok()?).ok();
    Ok(rows.into_iter().map(plan).collect())
}

/// What is asked of statements together. Those that it has no answer for together are parted until they are [`FEW`].
async fn parted<I, T: Default>(
    items: &[I],
    together: impl AsyncFn(&[I]) -> Result<Option<Vec<T>>, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut found = Vec::new();
    let mut left = vec![items];
    while let Some(part) = left.pop().filter(|part| !part.is_empty()) {
        match together(part).await? {
            Some(done) => found.extend(done),
            None if part.len() > FEW => {
                let (first, second) = part.split_at(part.len() / 2);
                left.extend([second, first]);
            }
            None => found.extend(part.iter().map(|_| T::default())),
        }
    }
    Ok(found)
}

/// Sends requests behind one another, after the settings that they run under: one round trip.
pub(super) async fn sent(
    session: &ProbeSession,
    preamble: &Settings,
    requests: impl Iterator<Item = impl Future<Output = Result<Vec<Row>, Error>>>,
    keeping: Keeping,
) -> Result<Vec<Result<Vec<Row>, Error>>, Error> {
    let client = session.client();
    let preamble = preamble.parameters();
    let each = requests.map(|request| {
        let one = async move {
            if keeping == Keeping::Nothing {
                return request.await;
            }
            let (rows, restored) = futures_util::join!(request, client.batch_execute(RESTORE));
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
pub(super) async fn grouped<T>(
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
