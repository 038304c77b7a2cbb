//! Executions by family, in constant memory: where there are too many families, those with few executions leave.

use std::sync::Arc;

use hdrhistogram::Histogram;
use rustc_hash::{FxHashMap, FxHashSet};

use super::found::FamilyId;
use super::series::Series;
use super::text::{self, Outline};
use crate::ids::QueryId;
use crate::snapshot;
use crate::sql::family::{Family, Fingerprint};
use crate::sql::lexer::clipped;
use crate::sql::mentions::StatementClass;
use crate::units::{Millis, float};

/// Families that are kept.
const MOST_FAMILIES: usize = 4_096;

/// Texts whose family is remembered.
const MOST_TEXTS: usize = 16_384;

/// Texts without constants whose bytes are recognised.
const RECOGNISED: u16 = 1_024;

/// Bytes of a text that are read for its family.
const MOST_BYTES: usize = 64 * 1024;

/// Bytes of a text that are kept.
const MOST_KEPT: usize = 16 * 1024;

/// Ids of the server that are kept of a family.
const MOST_QUERYIDS: usize = 8;

/// What a statement means for those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It asks for data or changes it.
    Work,
    /// It begins a transaction.
    Begin,
    /// It ends a transaction.
    End,
    /// It makes the session as new: what follows belongs to something else.
    Reset,
    /// It concerns the session alone, such as SET and SAVEPOINT.
    Aside,
}

/// What is known of a text.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its family.
    pub family: FamilyId,
    /// What it means for those around it.
    pub part: Part,
    executions: i64,
}

/// A text as it was recognised.
#[derive(Debug, Clone, Copy)]
pub struct Recognised {
    /// Its family.
    pub family: FamilyId,
    /// What it means for those around it.
    pub part: Part,
    /// Its constants and the like.
    pub outline: Outline,
}

#[derive(Debug, Clone, Copy)]
struct Exact {
    hash: u64,
    length: usize,
    recognised: Recognised,
}

/// Executions, how long they took and when they were.
#[derive(Debug, Default)]
pub struct Figures {
    /// Executions.
    pub executions: i64,
    durations: Timing,
    rate: Series,
}

/// How long executions took.
#[derive(Debug)]
struct Timing {
    count: i64,
    total: f64,
    min: f64,
    max: f64,
    /// In microseconds; `None` until something is counted.
    histogram: Option<Histogram<u64>>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            count: 0,
            total: 0.0,
            min: f64::INFINITY,
            max: 0.0,
            histogram: None,
        }
    }
}

impl Timing {
    fn add(&mut self, duration_ms: f64) {
        self.count += 1;
        self.total += duration_ms;
        self.min = self.min.min(duration_ms);
        self.max = self.max.max(duration_ms);
        if self.histogram.is_none() {
            // Two digits are a precision of 1 %.
            self.histogram = Histogram::new(2).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            // It grows with the values, up to more than any duration.
            let _ = histogram.record(micros(duration_ms));
        }
    }

    fn finish(&self) -> Option<snapshot::Durations> {
        let histogram = self.histogram.as_ref()?;
        let at = |share: f64| {
            let micros = i64::try_from(histogram.value_at_quantile(share)).unwrap_or(i64::MAX);
            // What one value stands for may reach beyond what was seen.
            Millis((float(micros) / 1000.0).clamp(self.min, self.max))
        };
        Some(snapshot::Durations {
            count: self.count,
            total_ms: Millis(self.total),
            min_ms: Millis(self.min),
            p50_ms: at(0.50),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: Millis(self.max),
        })
    }
}

/// A duration in whole microseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates: no duration is near 2^64 microseconds, and none is negative"
)]
pub(super) fn micros(duration_ms: f64) -> u64 {
    (duration_ms * 1000.0).round() as u64
}

impl Figures {
    /// Counts an execution.
    pub fn add(&mut self, duration_ms: Option<f64>, at: Option<i64>) {
        self.executions += 1;
        if let Some(duration) = duration_ms {
            self.durations.add(duration);
        }
        if let Some(at) = at {
            self.rate.add(at);
        }
    }

    /// How long they took.
    pub fn durations(&self) -> Option<snapshot::Durations> {
        self.durations.finish()
    }

    /// When they were.
    pub fn rate(&self) -> Option<snapshot::Series> {
        self.rate.finish()
    }
}

/// A family's executions.
#[derive(Debug)]
pub struct Counted {
    /// Its shape.
    pub fingerprint: Arc<Fingerprint>,
    /// Its first text.
    pub text: String,
    /// The server's ids.
    pub queryids: Vec<QueryId>,
    /// The figures.
    pub figures: Figures,
}

/// All families.
#[derive(Debug)]
pub struct Families {
    next: FamilyId,
    counted: FxHashMap<FamilyId, Counted>,
    shapes: FxHashMap<Arc<Fingerprint>, FamilyId>,
    texts: FxHashMap<u64, Known>,
    exact: Vec<Option<Exact>>,
    /// Families that left.
    pub left_out: i64,
    /// Their executions.
    pub left_out_executions: i64,
}

impl Default for Families {
    fn default() -> Self {
        Self {
            next: 0,
            counted: FxHashMap::default(),
            shapes: FxHashMap::default(),
            texts: FxHashMap::default(),
            exact: vec![None; usize::from(RECOGNISED)],
            left_out: 0,
            left_out_executions: 0,
        }
    }
}

impl Families {
    /// The family of a text. Where there is no room for a new one, those that `needed` does not hold may leave.
    pub fn recognise(
        &mut self,
        text: &[u8],
        needed: impl FnOnce() -> FxHashSet<FamilyId>,
    ) -> Recognised {
        let hash = text::exact(text);
        let slot = usize::try_from(hash % u64::from(RECOGNISED)).unwrap_or_default();
        if let Some(Some(exact)) = self.exact.get(slot)
            && (exact.hash, exact.length) == (hash, text.len())
            && self.counted.contains_key(&exact.recognised.family)
        {
            return exact.recognised;
        }
        let outline = text::outline(text);
        let known = match self.texts.get_mut(&outline.hash) {
            Some(known) => {
                known.executions += 1;
                *known
            }
            None => self.learn(text, outline.hash, needed),
        };
        let recognised = Recognised {
            family: known.family,
            part: known.part,
            outline,
        };
        if let (false, Some(place)) = (outline.has_constants, self.exact.get_mut(slot)) {
            *place = Some(Exact {
                hash,
                length: text.len(),
                recognised,
            });
        }
        recognised
    }

    fn learn(
        &mut self,
        text: &[u8],
        hash: u64,
        needed: impl FnOnce() -> FxHashSet<FamilyId>,
    ) -> Known {
        let text = String::from_utf8_lossy(text.get(..MOST_BYTES).unwrap_or(text));
        let fingerprint = Family::of(&text).fingerprint;
        let family = if let Some(family) = self.shapes.get(&fingerprint) {
            *family
        } else {
            if self.counted.len() >= MOST_FAMILIES {
                self.make_room(&needed());
            }
            self.add(fingerprint, &text)
        };
        if self.texts.len() >= MOST_TEXTS {
            let middle = median(self.texts.values().map(|known| known.executions));
            self.texts.retain(|_, known| known.executions > middle);
        }
        let known = Known {
            family,
            part: part(&text),
            executions: 1,
        };
        self.texts.insert(hash, known);
        known
    }

    fn add(&mut self, fingerprint: Fingerprint, text: &str) -> FamilyId {
        let family = self.next;
        self.next = self.next.wrapping_add(1);
        let fingerprint = Arc::new(fingerprint);
        self.counted.insert(
            family,
            Counted {
                fingerprint: Arc::clone(&fingerprint),
                text: clipped(text, MOST_KEPT).to_owned(),
                queryids: Vec::new(),
                figures: Figures::default(),
            },
        );
        self.shapes.insert(fingerprint, family);
        family
    }

    /// Lets about half of the families leave, those with the fewest executions.
    fn make_room(&mut self, needed: &FxHashSet<FamilyId>) {
        let middle = median(
            self.counted
                .values()
                .map(|counted| counted.figures.executions),
        );
        let (mut families, mut executions) = (0, 0);
        self.counted.retain(|family, counted| {
            let stays = counted.figures.executions > middle || needed.contains(family);
            if !stays {
                families += 1;
                executions += counted.figures.executions;
            }
            stays
        });
        let counted = &self.counted;
        self.shapes.retain(|_, family| counted.contains_key(family));
        self.texts
            .retain(|_, known| counted.contains_key(&known.family));
        self.left_out += families;
        self.left_out_executions += executions;
    }

    /// Counts an execution of a family.
    pub fn count(
        &mut self,
        family: FamilyId,
        duration_ms: Option<f64>,
        at: Option<i64>,
        query_id: Option<i64>,
    ) {
        let Some(counted) = self.counted.get_mut(&family) else {
            return;
        };
        counted.figures.add(duration_ms, at);
        if let Some(query_id) = query_id.map(QueryId) {
            let ids = &mut counted.queryids;
            if ids.len() < MOST_QUERYIDS && !ids.contains(&query_id) {
                ids.push(query_id);
            }
        }
    }

    /// All that are counted.
    pub fn into_counted(self) -> FxHashMap<FamilyId, Counted> {
        self.counted
    }
}

fn median(values: impl Iterator<Item = i64>) -> i64 {
    let mut values: Vec<i64> = values.collect();
    if values.is_empty() {
        return 0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}

fn part(text: &str) -> Part {
    let upper = text.to_ascii_uppercase();
    let words: Vec<&str> = upper
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    // Pools reset a session by one of these, some behind other statements.
    if words
        .windows(2)
        .any(|two| matches!(two, ["RESET" | "DISCARD", "ALL"]))
    {
        return Part::Reset;
    }
    let StatementClass::Other(word) = StatementClass::of(text) else {
        return Part::Work;
    };
    let second = words.get(1).copied().unwrap_or_default();
    match (word.as_str(), second) {
        ("begin" | "start", _) => Part::Begin,
        ("rollback", _) if words.contains(&"TO") => Part::Aside,
        ("prepare", "TRANSACTION") | ("commit" | "rollback" | "end" | "abort", _) => Part::End,
        (
            "set" | "reset" | "show" | "savepoint" | "release" | "deallocate" | "discard" | "close"
            | "fetch" | "move" | "listen" | "unlisten" | "prepare" | "lock" | "",
            _,
        ) => Part::Aside,
        _ => Part::Work,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_means_for_those_around_it() {
        for (text, expected) in [
            ("SELECT 1", Part::Work),
            ("BEGIN", Part::Begin),
            ("start transaction read only", Part::Begin),
            ("COMMIT;", Part::End),
            ("ROLLBACK", Part::End),
            ("ROLLBACK TO SAVEPOINT a", Part::Aside),
            ("SET LOCAL a = 1", Part::Aside),
            ("SAVEPOINT a", Part::Aside),
            ("DISCARD ALL", Part::Reset),
            (
                "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;",
                Part::Reset,
            ),
            ("DECLARE c CURSOR FOR SELECT 1", Part::Work),
            ("FETCH 10 FROM c", Part::Aside),
            ("VACUUM t", Part::Work),
            ("", Part::Aside),
        ] {
            assert_eq!(part(text), expected, "{text}");
        }
    }

    #[test]
    fn families_with_few_executions_leave() {
        let mut families = Families::default();
        let often = families
            .recognise(b"SELECT a FROM often", FxHashSet::default)
            .family;
        for _ in 0..10 {
            families.count(often, Some(1.0), None, None);
        }
        let rare: Vec<FamilyId> = (0..6_000)
            .map(|number| {
                let text = format!("SELECT c{number} FROM t");
                let family = families
                    .recognise(text.as_bytes(), FxHashSet::default)
                    .family;
                families.count(family, None, None, None);
                family
            })
            .collect();
        assert_eq!(rare.iter().collect::<FxHashSet<_>>().len(), 6_000);
        let left_out = families.left_out;
        assert_eq!(left_out, families.left_out_executions);
        let counted = families.into_counted();
        assert!(counted.contains_key(&often) && counted.len() <= MOST_FAMILIES);
        assert_eq!(counted.len() + usize::try_from(left_out).unwrap(), 6_001);
    }

    #[test]
    fn percentiles_are_true() {
        let mut figures = Figures::default();
        for duration in 1..=1000 {
            figures.add(Some(f64::from(duration)), None);
        }
        let durations = figures.durations().unwrap();
        for (value, expected) in [
            (durations.p50_ms, 500.0),
            (durations.p95_ms, 950.0),
            (durations.p99_ms, 990.0),
        ] {
            assert!((value.get() / expected - 1.0).abs() <= 0.01, "{value:?}");
        }
        assert_eq!(
            (durations.min_ms, durations.max_ms),
            (Millis(1.0), Millis(1000.0))
        );
        assert_eq!(
            (durations.count, durations.total_ms),
            (1000, Millis(500_500.0))
        );
    }
}
