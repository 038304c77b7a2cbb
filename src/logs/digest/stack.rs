//! What one session is in the middle of: statements, each behind those that it ran after.
//!
//! A statement that is on the stack already begins the next round of what stands above it, so `A B C C B C C` is C
//! twice within each B, and B twice within A. Each time that something leaves the stack, its run within one round of
//! what is below is complete; runs of several rounds are summed up for what is further below.

use super::found::{Chain, FamilyId, Found, RawExcerpt, Run, Sight};

/// So many statements behind each other are followed.
const DEEPEST: usize = 8;

/// So many statements within one are summed up over its rounds.
const MOST_INNER: usize = 16;

/// Executions of a loop that an excerpt shows.
const SIGHTS_SHOWN: usize = 2;

/// Bytes of a text that an excerpt shows.
const TEXT_SHOWN: usize = 240;

/// Bytes of parameters that an excerpt shows.
const PARAMETERS_SHOWN: usize = 120;

/// An execution, as the stack needs it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its family.
    pub family: FamilyId,
    /// Whether it may run in a loop; a statement with a list of keys is what loops are replaced by.
    pub loops: bool,
    /// Hash of its parameters; `None` where the log does not have them.
    pub parameters: Option<u64>,
    /// The explicit transaction that it runs in.
    pub transaction: Option<u64>,
    /// How long it ran, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Where it stands.
    pub place: Place<'a>,
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The session.
    pub session: &'a [u8],
    /// The file's number.
    pub file: u32,
    /// The line.
    pub line: u64,
    /// Microseconds since 1970.
    pub at: Option<i64>,
    /// The text.
    pub statement: &'a [u8],
    /// The parameters.
    pub parameters: &'a [u8],
}

/// A statement on the stack.
#[derive(Debug, Default)]
struct Entry {
    family: FamilyId,
    loops: bool,
    run: Run,
    /// Whether its run within what was below has been told.
    told: bool,
    /// The first two executions and the latest.
    sights: [Sight; 3],
    inner: Vec<Inner>,
}

/// Runs of a statement further up, over the rounds of an entry.
#[derive(Debug)]
struct Inner {
    statement: FamilyId,
    chain: Chain,
    run: Run,
    sights: Vec<Sight>,
}

/// What one session is in the middle of.
#[derive(Debug, Default)]
pub struct Stack {
    /// Those from `depth` on are kept for their buffers only.
    entries: Vec<Entry>,
    depth: usize,
}

/// Whether what leaves the stack ran in one of several rounds of something below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounds {
    /// It did, so that it is summed up however seldom it ran in this one.
    Several,
    /// It did not.
    One,
}

impl Stack {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Takes in an execution.
    pub fn push(&mut self, step: &Step<'_>, found: &mut Found) {
        let stack = self.entries.get(..self.depth).unwrap_or_default();
        let same = |entry: &Entry| entry.family == step.family && entry.loops == step.loops;
        if let Some(round) = stack.iter().rposition(same) {
            let above = self.depth > round + 1;
            let rounds = if round > 0 {
                Rounds::Several
            } else {
                self.rounds()
            };
            while self.depth > round + 1 {
                self.pop(rounds, step.place.session, found);
            }
            if let Some(entry) = self.entries.get_mut(round) {
                entry.run.broken |= above;
                entry.add(step);
            }
            return;
        }
        if self.depth == DEEPEST {
            self.forget_lowest(step.place.session, found);
        }
        if self.entries.len() == self.depth {
            self.entries.push(Entry::default());
        }
        if let Some(entry) = self.entries.get_mut(self.depth) {
            entry.begin(step);
            self.depth += 1;
        }
    }

    /// Ends everything: what comes next has nothing to do with it.
    pub fn flush(&mut self, session: &[u8], found: &mut Found) {
        let rounds = self.rounds();
        while self.depth > 0 {
            self.pop(rounds, session, found);
        }
    }

    /// Whether anything but the lowest, which is in no round of anything, had several rounds.
    fn rounds(&self) -> Rounds {
        let stack = self.entries.get(1..self.depth).unwrap_or_default();
        if stack.iter().any(|entry| entry.run.count > 1) {
            Rounds::Several
        } else {
            Rounds::One
        }
    }

    fn pop(&mut self, rounds: Rounds, session: &[u8], found: &mut Found) {
        let Some(top) = self.depth.checked_sub(1) else {
            return;
        };
        self.tell(top, session, found);
        let (below, above) = self.entries.split_at_mut(top);
        self.depth = top;
        let Some(entry) = above.first_mut() else {
            return;
        };
        // The lowest is in no round of anything.
        match below.last_mut().filter(|_| top > 1) {
            Some(parent) => entry.hand_down(parent, rounds),
            None => entry.inner.clear(),
        }
    }

    /// Tells the runs of an entry, and of what is summed up in it, within one round of the entry below.
    fn tell(&self, place: usize, session: &[u8], found: &mut Found) {
        let Some(entry) = self.entries.get(place) else {
            return;
        };
        let parent = place
            .checked_sub(1)
            .and_then(|below| self.entries.get(below));
        let chain = match parent {
            Some(parent) => Chain::default().behind(parent.family),
            None => Some(Chain::default()),
        };
        if let (Some(chain), true, false) = (chain, entry.loops, entry.told && parent.is_none()) {
            found.add(entry.family, chain, &entry.run, || {
                excerpt(
                    session,
                    parent,
                    entry.sights.get(..SIGHTS_SHOWN).unwrap_or_default(),
                )
            });
        }
        let Some(parent) = parent else {
            return;
        };
        for inner in &entry.inner {
            if let Some(chain) = inner.chain.behind(parent.family) {
                found.add(inner.statement, chain, &inner.run, || {
                    excerpt(session, Some(parent), &inner.sights)
                });
            }
        }
    }

    /// Makes room: the lowest is too far from what happens now.
    fn forget_lowest(&mut self, session: &[u8], found: &mut Found) {
        self.tell(0, session, found);
        self.tell(1, session, found);
        if let Some(next) = self.entries.get_mut(1) {
            next.told = true;
            next.inner.clear();
        }
        self.entries.rotate_left(1);
        self.depth -= 1;
        // The forgotten entry waits behind all others for its buffers to be used again.
    }
}

impl Entry {
    fn begin(&mut self, step: &Step<'_>) {
        self.family = step.family;
        self.loops = step.loops;
        self.told = false;
        self.inner.clear();
        self.run.parameters.clear();
        self.run = Run {
            parameters: std::mem::take(&mut self.run.parameters),
            transaction: step.transaction,
            ..Run::default()
        };
        for sight in &mut self.sights {
            sight.line = 0;
        }
        self.add(step);
    }

    fn add(&mut self, step: &Step<'_>) {
        let run = &mut self.run;
        let sight = usize::try_from(run.count).unwrap_or(usize::MAX).min(2);
        run.count += 1;
        match step.parameters {
            Some(hash) => run.parameters.add(hash),
            None => run.without_parameters += 1,
        }
        if run.transaction != step.transaction {
            run.transaction = None;
        }
        if let Some(duration) = step.duration_ms {
            run.timed += 1;
            run.total_ms += duration;
        }
        if let Some(sight) = self.sights.get_mut(sight) {
            sight.see(&step.place);
        }
    }

    /// The latest execution.
    fn latest(&self) -> Option<&Sight> {
        self.sights.iter().rev().find(|sight| sight.line > 0)
    }

    /// Sums its run, and what is summed up in it, up in the entry below.
    fn hand_down(&mut self, parent: &mut Self, rounds: Rounds) {
        // What ran a few times in the only round of its parent cannot become a loop.
        let again = rounds == Rounds::Several;
        let worth = |run: &Run| again || run.count >= super::found::FEWEST;
        for inner in self.inner.drain(..).filter(|inner| worth(&inner.run)) {
            if let Some(chain) = inner.chain.behind(parent.family) {
                parent.sum_up(inner.statement, chain, &inner.run, || inner.sights);
            }
        }
        if let (true, true, Some(chain)) = (
            self.loops,
            worth(&self.run),
            Chain::default().behind(parent.family),
        ) {
            let sights = || {
                let first = self.sights.iter().take(SIGHTS_SHOWN);
                first.filter(|sight| sight.line > 0).cloned().collect()
            };
            parent.sum_up(self.family, chain, &self.run, sights);
        }
    }

    fn sum_up(
        &mut self,
        statement: FamilyId,
        chain: Chain,
        run: &Run,
        sights: impl FnOnce() -> Vec<Sight>,
    ) {
        let known = |inner: &&mut Inner| inner.statement == statement && inner.chain == chain;
        if let Some(inner) = self.inner.iter_mut().find(known) {
            inner.run.merge(run);
            if inner.sights.len() < SIGHTS_SHOWN {
                inner.sights.extend(sights());
                inner.sights.truncate(SIGHTS_SHOWN);
            }
        } else if self.inner.len() < MOST_INNER {
            self.inner.push(Inner {
                statement,
                chain,
                run: run.clone(),
                sights: sights(),
            });
        }
    }
}

impl Sight {
    fn see(&mut self, place: &Place<'_>) {
        self.file = place.file;
        self.line = place.line;
        self.at = place.at;
        copy(&mut self.statement, place.statement, TEXT_SHOWN);
        copy(&mut self.parameters, place.parameters, PARAMETERS_SHOWN);
    }
}

fn copy(to: &mut Vec<u8>, from: &[u8], most: usize) {
    to.clear();
    to.extend_from_slice(from.get(..most).unwrap_or(from));
}

fn excerpt(session: &[u8], parent: Option<&Entry>, sights: &[Sight]) -> RawExcerpt {
    let before = parent.and_then(Entry::latest).into_iter();
    let seen = before.chain(sights.iter().filter(|sight| sight.line > 0));
    RawExcerpt {
        session: session.to_owned(),
        sights: seen.cloned().collect(),
    }
}
