//! From entries to statements: what belongs together may stand in several entries of a session, with those of other
//! sessions between them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::message::{self, Kind, Told};
use super::severity::Severity;
use super::{Logged, Place, Reason, Tally};

/// Statements that wait for what belongs to them.
const MOST_WAITING: usize = 4096;

/// Bytes of their texts.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// An entry of a log: a message with its detail, whatever the format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) session: &'a [u8],
    pub(super) at: Option<i64>,
    pub(super) zone_unknown: bool,
    pub(super) user: Option<&'a [u8]>,
    pub(super) database: Option<&'a [u8]>,
    pub(super) application: Option<&'a [u8]>,
    pub(super) transaction: Option<&'a [u8]>,
    pub(super) query_id: Option<i64>,
    pub(super) severity: Severity,
    pub(super) message: &'a [u8],
    pub(super) detail: Option<&'a [u8]>,
    pub(super) place: Place,
}

/// What a statement that waits is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The duration, which follows in an entry of its own.
    Duration,
    /// The same, of rows that were fetched from a statement that was executed before.
    FetchDuration,
    /// The detail with its parameters, which other sessions may have come before.
    Detail,
}

/// A statement that waits: its texts, one after the other, and where each ends.
#[derive(Debug)]
struct Waiting {
    awaited: Awaited,
    /// Statements that began to wait earlier have lower numbers.
    number: u64,
    texts: Vec<u8>,
    parts: [Option<Range<usize>>; 6],
    at: Option<i64>,
    query_id: Option<i64>,
    duration_ms: Option<f64>,
    place: Place,
}

/// Puts statements together.
#[derive(Debug, Default)]
pub(super) struct Statements {
    waiting: BTreeMap<Vec<u8>, Waiting>,
    bytes: usize,
    begun: u64,
    /// The language of the last message that was understood.
    language: usize,
    /// Durations that no statement waited for, by session, until a statement tells whether they were of its
    /// preparation.
    alone: BTreeMap<Vec<u8>, Alone>,
}

#[derive(Debug, Clone, Copy)]
struct Alone {
    count: u64,
    first: Place,
}

impl Statements {
    /// Takes the next entry, and gives the statements that are complete by it.
    pub(super) fn entry(
        &mut self,
        entry: &Entry<'_>,
        tally: &mut Tally,
        each: &mut impl FnMut(&Logged<'_>),
    ) {
        tally.entry(entry.at, entry.zone_unknown);
        match entry.severity {
            Severity::Log => {}
            Severity::Error => {
                tally.errors += 1;
                self.give_up(entry.session, tally, each);
                return;
            }
            Severity::Detail => return self.detail(entry, tally, each),
            Severity::Other | Severity::Further => return,
        }
        let Some(told) = message::understand(entry.message, &mut self.language) else {
            if message::seems_timed(entry.message) {
                tally.skip(Reason::UnknownWords, entry.place);
            }
            return;
        };
        self.told(&told, entry, tally, each);
    }

    /// Gives the statements that are still waiting.
    pub(super) fn finish(&mut self, tally: &mut Tally, each: &mut impl FnMut(&Logged<'_>)) {
        let mut left: Vec<(Vec<u8>, Waiting)> =
            std::mem::take(&mut self.waiting).into_iter().collect();
        left.sort_by_key(|(_, waiting)| waiting.number);
        for (session, waiting) in left {
            waiting.give(&session, tally, each);
        }
        self.bytes = 0;
        for alone in std::mem::take(&mut self.alone).into_values() {
            alone.count(tally);
        }
    }

    fn told(
        &mut self,
        told: &Told,
        entry: &Entry<'_>,
        tally: &mut Tally,
        each: &mut impl FnMut(&Logged<'_>),
    ) {
        match told.kind {
            Kind::TimedParse | Kind::TimedBind => tally.preparations += 1,
            Kind::TimedFetch => tally.fetches += 1,
            Kind::Plan => tally.plans += 1,
            Kind::Duration => self.duration(told.duration_ms, entry, tally, each),
            Kind::TimedStatement => {
                self.give_up(entry.session, tally, each);
                emit(&entry.logged(told), tally, each);
            }
            Kind::TimedExecute => {
                self.give_up(entry.session, tally, each);
                let logged = entry.logged(told);
                if logged.parameters.is_none() && has_parameter(logged.statement) {
                    self.wait(Awaited::Detail, &logged, tally, each);
                } else {
                    emit(&logged, tally, each);
                }
            }
            Kind::Statement => {
                self.count_alone(entry.session, tally);
                self.give_up(entry.session, tally, each);
                self.wait(Awaited::Duration, &entry.logged(told), tally, each);
            }
            Kind::Execute => {
                // Its parse and bind had durations, too, and nothing told that they were theirs.
                tally.preparations += self.forget_alone(entry.session, tally);
                self.give_up(entry.session, tally, each);
                self.wait(Awaited::Duration, &entry.logged(told), tally, each);
            }
            Kind::Fetch => {
                self.give_up(entry.session, tally, each);
                tally.fetches += 1;
                self.wait(Awaited::FetchDuration, &entry.logged(told), tally, each);
            }
        }
    }

    /// A duration without a statement: it belongs to the one before it in its session.
    fn duration(
        &mut self,
        duration_ms: Option<f64>,
        entry: &Entry<'_>,
        tally: &mut Tally,
        each: &mut impl FnMut(&Logged<'_>),
    ) {
        match self
            .waiting
            .get(entry.session)
            .map(|waiting| waiting.awaited)
        {
            Some(Awaited::FetchDuration) => {
                self.take(entry.session);
            }
            Some(Awaited::Duration) => {
                let Some(mut waiting) = self.take(entry.session) else {
                    return;
                };
                waiting.duration_ms = duration_ms;
                waiting.at = entry.at.or(waiting.at);
                waiting.query_id = entry.query_id.or(waiting.query_id);
                waiting.give(entry.session, tally, each);
            }
            Some(Awaited::Detail) | None => self.keep_alone(entry, tally),
        }
    }

    /// A detail that does not follow its statement at once.
    fn detail(&mut self, entry: &Entry<'_>, tally: &mut Tally, each: &mut impl FnMut(&Logged<'_>)) {
        let Some(values) = message::parameters(entry.message) else {
            return;
        };
        let Some(mut waiting) = self.take(entry.session) else {
            return tally.skip(Reason::DetailAlone, entry.place);
        };
        waiting.add(PARAMETERS, Some(values));
        if waiting.awaited == Awaited::Detail {
            waiting.give(entry.session, tally, each);
        } else {
            self.bytes += waiting.texts.len();
            self.waiting.insert(entry.session.to_vec(), waiting);
        }
    }

    /// Nothing more comes for what waits in a session: it is given as it is.
    fn give_up(&mut self, session: &[u8], tally: &mut Tally, each: &mut impl FnMut(&Logged<'_>)) {
        if let Some(waiting) = self.take(session) {
            waiting.give(session, tally, each);
        }
    }

    fn take(&mut self, session: &[u8]) -> Option<Waiting> {
        if self.waiting.is_empty() {
            return None;
        }
        let waiting = self.waiting.remove(session)?;
        self.bytes = self.bytes.saturating_sub(waiting.texts.len());
        Some(waiting)
    }

    fn wait(
        &mut self,
        awaited: Awaited,
        logged: &Logged<'_>,
        tally: &mut Tally,
        each: &mut impl FnMut(&Logged<'_>),
    ) {
        // Where sessions cannot be told apart, what comes next may be of any.
        if logged.session.is_empty() {
            if awaited != Awaited::FetchDuration {
                emit(logged, tally, each);
            }
            return;
        }
        self.begun += 1;
        let waiting = Waiting::of(awaited, self.begun, logged);
        self.bytes += waiting.texts.len();
        self.waiting.insert(logged.session.to_vec(), waiting);
        while self.waiting.len() > MOST_WAITING
            || (self.bytes > MOST_BYTES && self.waiting.len() > 1)
        {
            let oldest = self
                .waiting
                .iter()
                .min_by_key(|(_, waiting)| waiting.number);
            let Some(session) = oldest.map(|(session, _)| session.clone()) else {
                break;
            };
            if let Some(evicted) = self.take(&session) {
                tally.skip(Reason::Evicted, evicted.place);
                evicted.give(&session, tally, each);
            }
        }
    }

    fn keep_alone(&mut self, entry: &Entry<'_>, tally: &mut Tally) {
        if let Some(alone) = self.alone.get_mut(entry.session) {
            alone.count += 1;
            return;
        }
        if self.alone.len() >= MOST_WAITING
            && let Some((_, alone)) = self.alone.pop_first()
        {
            alone.count(tally);
        }
        let alone = Alone {
            count: 1,
            first: entry.place,
        };
        self.alone.insert(entry.session.to_vec(), alone);
    }

    fn count_alone(&mut self, session: &[u8], tally: &mut Tally) {
        if !self.alone.is_empty()
            && let Some(alone) = self.alone.remove(session)
        {
            alone.count(tally);
        }
    }

    /// How many of the durations that no statement waited for were of the preparation of the one that comes now. Before
    /// them may be others.
    fn forget_alone(&mut self, session: &[u8], tally: &mut Tally) -> u64 {
        let Some(mut alone) = self.alone.remove(session) else {
            return 0;
        };
        let preparations = alone.count.min(2);
        alone.count -= preparations;
        alone.count(tally);
        preparations
    }
}

impl Alone {
    fn count(self, tally: &mut Tally) {
        for _ in 0..self.count {
            tally.skip(Reason::DurationAlone, self.first);
        }
    }
}

impl<'a> Entry<'a> {
    fn logged(&self, told: &Told) -> Logged<'a> {
        Logged {
            session: self.session,
            at: self.at,
            user: self.user,
            database: self.database,
            application: self.application,
            // A session without a transaction has one with this number.
            transaction: self.transaction.filter(|id| !id.ends_with(b"/0")),
            statement: &self.message[told.text.clone()],
            parameters: self.detail.and_then(message::parameters),
            duration_ms: told.duration_ms,
            query_id: self.query_id,
            file: self.place.file,
            line: self.place.line,
        }
    }
}

/// The parts of a statement that waits.
const USER: usize = 0;
const DATABASE: usize = 1;
const APPLICATION: usize = 2;
const TRANSACTION: usize = 3;
const STATEMENT: usize = 4;
const PARAMETERS: usize = 5;

impl Waiting {
    fn of(awaited: Awaited, number: u64, logged: &Logged<'_>) -> Self {
        let mut waiting = Self {
            awaited,
            number,
            texts: Vec::with_capacity(logged.statement.len() + 64),
            parts: Default::default(),
            at: logged.at,
            query_id: logged.query_id,
            duration_ms: logged.duration_ms,
            place: Place {
                file: logged.file,
                line: logged.line,
            },
        };
        waiting.add(USER, logged.user);
        waiting.add(DATABASE, logged.database);
        waiting.add(APPLICATION, logged.application);
        waiting.add(TRANSACTION, logged.transaction);
        waiting.add(STATEMENT, Some(logged.statement));
        waiting.add(PARAMETERS, logged.parameters);
        waiting
    }

    fn add(&mut self, part: usize, text: Option<&[u8]>) {
        let from = self.texts.len();
        if let Some(text) = text {
            self.texts.extend_from_slice(text);
            self.parts[part] = Some(from..self.texts.len());
        }
    }

    fn part(&self, part: usize) -> Option<&[u8]> {
        self.texts.get(self.parts[part].clone()?)
    }

    fn give(&self, session: &[u8], tally: &mut Tally, each: &mut impl FnMut(&Logged<'_>)) {
        if self.awaited == Awaited::FetchDuration {
            return;
        }
        let logged = Logged {
            session,
            at: self.at,
            user: self.part(USER),
            database: self.part(DATABASE),
            application: self.part(APPLICATION),
            transaction: self.part(TRANSACTION),
            statement: self.part(STATEMENT).unwrap_or_default(),
            parameters: self.part(PARAMETERS),
            duration_ms: self.duration_ms,
            query_id: self.query_id,
            file: self.place.file,
            line: self.place.line,
        };
        emit(&logged, tally, each);
    }
}

fn emit(logged: &Logged<'_>, tally: &mut Tally, each: &mut impl FnMut(&Logged<'_>)) {
    tally.statement(logged);
    each(logged);
}

/// Whether a text seems to have a parameter, `$1`.
fn has_parameter(statement: &[u8]) -> bool {
    memchr::memchr_iter(b'$', statement)
        .any(|at| statement.get(at + 1).is_some_and(u8::is_ascii_digit))
}
