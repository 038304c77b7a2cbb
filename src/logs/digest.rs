//! What the statements of a log amount to: families with their durations and rates, and loops. A stream is taken in
//! statement by statement, in memory that does not grow with it.

mod families;
mod finish;
mod found;
mod parameters;
mod series;
mod stack;
mod text;

use rustc_hash::{FxHashMap, FxHashSet};

use families::{Families, Figures, Part, Recognised, micros};
use found::{FamilyId, Found};
use stack::{Place, Stack, Step};

use super::Logged;
use crate::snapshot::LeftOut;

/// Sessions that are followed at once.
const MOST_SESSIONS: usize = 2_048;

/// Bytes at the beginning of a statement in which this program's comment stands.
const OWN_WITHIN: usize = 160;

/// A pause of a session after which it does something else, in microseconds: an application that loops asks again as
/// soon as it has an answer.
const PAUSE: i64 = 250_000;

/// The same where times or durations are not exact: times in whole seconds differ by one where a second begins.
const ROUGH_PAUSE: i64 = 1_000_000;

/// Takes in the statements of logs.
#[derive(Debug)]
pub struct Digest {
    database: Option<Vec<u8>>,
    own: Option<Vec<u8>>,
    figures: Figures,
    families: Families,
    sessions: FxHashMap<u64, Session>,
    opened: i64,
    /// Statements that were taken in; tells which session was seen longest ago.
    clock: u64,
    transactions: u64,
    /// Whether times have parts of a second.
    exact_times: bool,
    first: Option<i64>,
    last: Option<i64>,
    without_session: i64,
    found: Found,
    left_out: LeftOut,
}

#[derive(Debug, Default)]
struct Session {
    name: Vec<u8>,
    stack: Stack,
    seen: u64,
    last_at: Option<i64>,
    last_duration_ms: f64,
    transaction: Option<Transaction>,
}

/// An explicit transaction.
#[derive(Debug, Clone, Copy)]
struct Transaction {
    number: u64,
    statements: u64,
}

impl Digest {
    /// Takes in what runs in `database` (everything where it is `None`), without what the application `own` runs, or
    /// marks by a comment of its name.
    pub fn new(database: Option<&str>, own: Option<&str>) -> Self {
        let bytes = |name: &str| name.as_bytes().to_owned();
        Self {
            database: database.map(bytes),
            own: own.map(bytes),
            figures: Figures::default(),
            families: Families::default(),
            sessions: FxHashMap::default(),
            opened: 0,
            clock: 0,
            transactions: 0,
            exact_times: false,
            first: None,
            last: None,
            without_session: 0,
            found: Found::default(),
            left_out: LeftOut::default(),
        }
    }

    /// Takes in a statement.
    pub fn add(&mut self, logged: &Logged<'_>) {
        if differs(logged.database, self.database.as_deref()) {
            self.left_out.other_databases += 1;
            return;
        }
        if self.is_own(logged) {
            self.left_out.own += 1;
            return;
        }
        let found = &self.found;
        let recognised = self
            .families
            .recognise(logged.statement, || found.families());
        let duration = logged.duration_ms.filter(|duration| *duration >= 0.0);
        self.figures.add(duration, logged.at);
        self.families
            .count(recognised.family, duration, logged.at, logged.query_id);
        if let Some(at) = logged.at {
            self.exact_times |= at % ROUGH_PAUSE != 0;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        if logged.session.is_empty() {
            self.without_session += 1;
        } else {
            self.follow(logged, &recognised, duration);
        }
    }

    /// Whether this program sent it: its application says so, or the comment that all its statements begin with.
    fn is_own(&self, logged: &Logged<'_>) -> bool {
        let Some(own) = self.own.as_deref() else {
            return false;
        };
        let beginning = logged
            .statement
            .get(..OWN_WITHIN)
            .unwrap_or(logged.statement);
        let commented = |at: usize| {
            let rest = beginning.get(at + 3..).unwrap_or_default();
            rest.strip_prefix(own)
                .is_some_and(|rest| rest.starts_with(b" */"))
        };
        logged.application == Some(own)
            || memchr::memmem::find(beginning, b"/* ").is_some_and(commented)
    }

    fn follow(&mut self, logged: &Logged<'_>, recognised: &Recognised, duration: Option<f64>) {
        self.clock += 1;
        let key = text::exact(logged.session);
        if self.sessions.len() >= MOST_SESSIONS && !self.sessions.contains_key(&key) {
            self.close_idle();
        }
        let session = self.sessions.entry(key).or_insert_with(|| {
            self.opened += 1;
            Session {
                name: logged.session.to_owned(),
                ..Session::default()
            }
        });
        session.seen = self.clock;
        let longest = if self.exact_times && duration.is_some() {
            PAUSE
        } else {
            ROUGH_PAUSE
        };
        if session.paused(logged.at, duration, longest) {
            session.stack.flush(&session.name, &mut self.found);
        }
        match recognised.part {
            Part::Begin => {
                self.transactions += 1;
                session.transaction = Some(Transaction {
                    number: self.transactions,
                    statements: 0,
                });
            }
            Part::End => {
                // A transaction of one statement is what a library makes of each call; one of several is a unit of the
                // application's work.
                let ended = session.transaction.take();
                if ended.is_some_and(|transaction| transaction.statements > 1) {
                    session.stack.flush(&session.name, &mut self.found);
                }
            }
            Part::Reset => session.stack.flush(&session.name, &mut self.found),
            Part::Aside => {}
            Part::Work => {
                let step = session.step(logged, recognised, duration);
                session.stack.push(&step, &mut self.found);
            }
        }
    }

    /// Ends the half of the sessions that was seen longest ago.
    fn close_idle(&mut self) {
        let mut seen: Vec<u64> = self.sessions.values().map(|session| session.seen).collect();
        let middle = seen.len() / 2;
        let middle = *seen.select_nth_unstable(middle).1;
        let (found, last) = (&mut self.found, self.last);
        let mut open = 0;
        self.sessions.retain(|_, session| {
            if session.seen > middle {
                return true;
            }
            if !session.stack.is_empty() && !session.paused(last, None, ROUGH_PAUSE) {
                open += 1;
            }
            session.stack.flush(&session.name, found);
            false
        });
        self.left_out.sessions += open;
    }
}

/// Whether a line tells that it is about something else than what is looked for.
fn differs(told: Option<&[u8]>, wanted: Option<&[u8]>) -> bool {
    matches!((told, wanted), (Some(told), Some(wanted)) if told != wanted)
}

impl Session {
    /// Whether it did nothing for so many microseconds before this statement, and notes this statement.
    fn paused(&mut self, at: Option<i64>, duration_ms: Option<f64>, longest: i64) -> bool {
        let duration = duration_ms.unwrap_or_default();
        let before = std::mem::replace(&mut self.last_duration_ms, duration);
        let Some(at) = at else {
            return false;
        };
        let Some(last) = self.last_at.replace(at) else {
            return false;
        };
        // A line may have been written at the begin of its statement or at its end.
        let ran = i64::try_from(micros(duration.max(before))).unwrap_or(i64::MAX);
        at.saturating_sub(last).saturating_sub(ran) > longest
    }

    fn step<'a>(
        &mut self,
        logged: &Logged<'a>,
        recognised: &Recognised,
        duration_ms: Option<f64>,
    ) -> Step<'a> {
        if let Some(transaction) = &mut self.transaction {
            transaction.statements += 1;
        }
        let outline = &recognised.outline;
        let parameters = match (outline.has_parameters, logged.parameters) {
            (true, None) => None,
            (_, None) => Some(outline.constants),
            (_, Some(values)) => Some(text::exact(values) ^ outline.constants),
        };
        Step {
            family: recognised.family,
            loops: !outline.has_list,
            parameters,
            transaction: self.transaction.map(|transaction| transaction.number),
            duration_ms,
            place: Place {
                session: logged.session,
                file: logged.file,
                line: logged.line,
                at: logged.at,
                statement: logged.statement,
                parameters: logged.parameters.unwrap_or_default(),
            },
        }
    }
}

impl Found {
    fn families(&self) -> FxHashSet<FamilyId> {
        let keys = self.records.keys();
        keys.flat_map(|key| {
            let chain = key.chain.families().to_vec();
            std::iter::once(key.statement).chain(chain)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
