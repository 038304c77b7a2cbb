//! What the guard asks the catalog: once to decide what may be done with a statement, and again in the same breath as
//! the statement itself.
//!
//! Between the first answer and the statement lies a round trip, in which others may plant what the guard would refuse.
//! So every request that hands text of the workload to the server begins with the same question, and the server itself
//! compares: what was not there before raises an error, which ends the transaction before the statement is parsed.
//!
//! The moment that is left is as long as the server takes for the question and for planning. No lock stretches it: a
//! relation that another session has locked is an objection, too, and the statement itself does not wait for any.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::guard::{GuardNames, Objection, ObjectionKind, Writes};
use super::link::{Access, CATALOG_TIMEOUT, Parameter, ProbeSession, SET, Settings};

const GUARD: &str = query!("guard.sql");

/// What is about to happen to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The server parses and plans it.
    Plan,
    /// The server executes it, too.
    Execute,
}

/// All that `guard.sql` takes for a statement.
#[derive(Debug, Clone)]
pub(super) struct Inquiry<'a> {
    /// What the statement, and what goes with it, mentions.
    pub names: GuardNames,
    /// The schemas of the search path.
    pub schemas: &'a [String],
    /// The roles that the user trusts.
    pub trusted: &'a [String],
    /// Whether the statement is to write.
    pub access: Access,
    /// What the user allows: it says whether volatile functions count.
    pub writes: Writes,
    /// The locks of others that it would wait for.
    pub waits_for: &'static [&'static str],
}

/// The lock modes that conflict with those of a statement that reads (docs: Explicit Locking, "Conflicting Lock
/// Modes").
pub(super) const READER_WAITS_FOR: &[&str] = &["AccessExclusiveLock"];

/// The lock modes that conflict with those of a statement that writes or locks rows.
pub(super) const WRITER_WAITS_FOR: &[&str] = &[
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// An inquiry together with what is to happen if nothing has changed.
pub(super) struct Recheck<'a> {
    inquiry: &'a Inquiry<'a>,
    forbidden: Vec<&'static str>,
    writes: bool,
    surroundings: Settings,
}

impl Inquiry<'_> {
    /// The kinds of objections that forbid it, as `guard.sql` calls them. No other session can plant a volatile
    /// function that is not refused for its owner.
    fn forbidding(&self, purpose: Purpose) -> Vec<&'static str> {
        let volatile_may_run = self.writes == Writes::ExecutedAsGiven;
        ObjectionKind::ALL
            .into_iter()
            .filter(|kind| purpose == Purpose::Execute || kind.forbids_planning())
            .filter(|kind| !(volatile_may_run && *kind == ObjectionKind::Volatile))
            .map(ObjectionKind::name)
            .collect()
    }

    /// The question that goes before the statement.
    pub(super) fn again(&self, purpose: Purpose) -> Recheck<'_> {
        let mut surroundings = Settings::default();
        surroundings.set_own_surroundings();
        Recheck {
            inquiry: self,
            forbidden: self.forbidding(purpose),
            writes: self.access == Access::Write,
            surroundings,
        }
    }
}

impl Recheck<'_> {
    fn parameters(&self) -> [Parameter<'_>; 7] {
        let Self {
            inquiry, writes, ..
        } = self;
        [
            (&inquiry.names.names, Type::TEXT_ARRAY),
            (&inquiry.names.operators, Type::TEXT_ARRAY),
            (&inquiry.schemas, Type::TEXT_ARRAY),
            (&inquiry.trusted, Type::TEXT_ARRAY),
            (writes, Type::BOOL),
            (&self.forbidden, Type::TEXT_ARRAY),
            (&inquiry.waits_for, Type::TEXT_ARRAY),
        ]
    }
}

impl ProbeSession {
    /// Opens a transaction and asks the guard, in one round trip.
    pub(super) async fn begin_guarded(
        &self,
        inquiry: &Inquiry<'_>,
    ) -> Result<Vec<Objection>, Fault> {
        let settings = self.opening();
        let setting = settings.parameters();
        let mut question = inquiry.again(Purpose::Plan);
        question.forbidden.clear();
        let parameters = question.parameters();
        let rows = self
            .bounded(CATALOG_TIMEOUT, async {
                // All are on their way before the first answer is awaited.
                let (begun, set, rows) = futures_util::join!(
                    self.client().batch_execute(inquiry.access.begin()),
                    self.client().query_typed(SET, &setting),
                    self.client().query_typed(GUARD, &parameters)
                );
                begun.and(set).and(rows)
            })
            .await?;
        let objections: Vec<Objection> = rows
            .iter()
            .map(Objection::decode)
            .collect::<Result<_, _>>()
            .map_err(|error| Fault::Unreadable(error.to_string()))?;
        match objections.iter().find(|o| o.kind == ObjectionKind::Locked) {
            Some(locked) => Err(Fault::Locked(locked.object.clone())),
            None => Ok(objections),
        }
    }

    /// Sends the question and right behind it `rest`, whose requests fail where the answer has changed: `None`. The
    /// surroundings of this program's own queries stay set.
    pub(super) async fn rechecked<T>(
        &self,
        question: &Recheck<'_>,
        rest: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<T>, Error> {
        let surroundings = question.surroundings.parameters();
        let parameters = question.parameters();
        let (set, unchanged, rest) = futures_util::join!(
            self.client().query_typed(SET, &surroundings),
            self.client().query_typed(GUARD, &parameters),
            rest
        );
        set?;
        if unchanged.as_ref().is_err_and(is_raised) {
            return Ok(None);
        }
        unchanged?;
        rest.map(Some)
    }
}

/// Whether `guard.sql` itself raised the error: it reads a text as a number, which nothing else in it does.
fn is_raised(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_TEXT_REPRESENTATION)
}
