//! What statements did in each part of a measured window.

use std::collections::BTreeMap;

use super::{Delta, Window, WindowCaveat, WindowKind};
use crate::ids::StatementKey;
use crate::snapshot::{Snapshot, WindowSeries};
use crate::units::float;

/// A window in parts, none of which a reset, an eviction or a restart falls into.
#[derive(Debug)]
pub struct SubWindows<'a> {
    series: &'a WindowSeries,
    seconds: Vec<f64>,
    places: BTreeMap<&'a StatementKey, usize>,
}

/// What one statement did in each part, a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Its position in [`WindowSeries::statements`].
    pub place: usize,
    /// Executions a second.
    pub calls: Delta<Vec<f64>>,
    /// Rows a second.
    pub rows: Delta<Vec<f64>>,
}

/// Why nothing is said of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRates {
    /// It did nothing, or less than what is kept.
    StoodStill,
    /// A counter of it fell.
    Unknown,
}

impl<'a> SubWindows<'a> {
    /// The parts of the window that the snapshot was taken for; `None` where it has none, or where statements were
    /// lost within it, so that a difference is not what happened.
    pub fn of(snapshot: &'a Snapshot, window: &Window) -> Option<Self> {
        let series = snapshot.series.as_ref()?;
        let broken = window.kind != WindowKind::Interval
            || window.caveats.iter().any(|caveat| {
                matches!(
                    caveat,
                    WindowCaveat::ResetInside { .. }
                        | WindowCaveat::RestartInside
                        | WindowCaveat::Evictions { .. }
                )
            });
        let seconds: Vec<f64> = steps(&series.seconds).collect();
        if broken || seconds.is_empty() || seconds.iter().any(|length| *length <= 0.0) {
            return None;
        }
        let statements = series.statements.iter().enumerate();
        let places = statements
            .map(|(place, statement)| (&statement.key, place))
            .collect();
        Some(Self {
            series,
            seconds,
            places,
        })
    }

    /// The length of each part.
    pub fn seconds(&self) -> &[f64] {
        &self.seconds
    }

    /// What a statement did.
    ///
    /// # Errors
    /// Where nothing is known of it.
    pub fn rates(&self, key: &StatementKey) -> Result<Rates, NoRates> {
        let place = self.places.get(key).copied().ok_or(NoRates::StoodStill)?;
        let statement = self.series.statements.get(place);
        let statement = statement.ok_or(NoRates::StoodStill)?;
        Ok(Rates {
            place,
            calls: self.rate(&statement.calls).ok_or(NoRates::Unknown)?,
            rows: self.rate(&statement.rows).ok_or(NoRates::Unknown)?,
        })
    }

    fn rate(&self, counters: &[i64]) -> Option<Delta<Vec<f64>>> {
        if counters.len() != self.series.seconds.len() {
            return None;
        }
        let pairs = counters.iter().zip(counters.iter().skip(1));
        let rates: Option<Vec<f64>> = pairs
            .zip(&self.seconds)
            .map(|((before, after), seconds)| {
                let count = after.checked_sub(*before).filter(|count| *count >= 0)?;
                Some(float(count) / seconds)
            })
            .collect();
        rates.map(Delta)
    }
}

fn steps(moments: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let pairs = moments.iter().zip(moments.iter().skip(1));
    pairs.map(|(one, next)| next - one)
}
