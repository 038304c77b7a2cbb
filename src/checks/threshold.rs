//! Thresholds: the numbers that decide whether a check fires, as data that `pgtriage.toml` may replace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

use super::registry::{UnknownCheck, nearest};
use super::support::{SEVERITY, SHARES};
use super::{CHECKS, Selection, find};
use crate::finding::Unit;
use crate::units::{Bytes, Cost, Millis, Rows, float};

/// The section of those that decide about severity.
const OF_SEVERITY: &str = "severity";

/// A number that decides whether a check fires, or how severe its findings are.
#[derive(Debug)]
pub struct Threshold<T> {
    /// The check that it belongs to, or `severity`; a dot; and its name.
    pub key: &'static str,
    /// What it is unless the file says otherwise.
    pub default: T,
    /// What it is a number of; a ratio is 1 at most.
    pub unit: Unit,
    /// What it is compared with, in one clause.
    pub what: &'static str,
}

impl<T: Quantity> Threshold<T> {
    /// Its value: the file's, or the default.
    pub fn of(&self, given: &impl AsRef<Thresholds>) -> T {
        let changed = given.as_ref().0.get(self.key);
        changed
            .and_then(|number| T::of(*number))
            .unwrap_or(self.default)
    }
}

/// A threshold of any type.
pub trait AnyThreshold: fmt::Debug + Sync {
    /// What is known of it.
    fn spec(&self) -> Spec;
}

impl<T: Quantity> AnyThreshold for Threshold<T> {
    fn spec(&self) -> Spec {
        let (section, name) = self.key.split_once('.').unwrap_or(("", self.key));
        Spec {
            key: self.key,
            section,
            name,
            default: self.default.number(),
            unit: self.unit,
            what: self.what,
        }
    }
}

/// A threshold without its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// The section and the name, with a dot between.
    pub key: &'static str,
    /// The check that it belongs to, though others may share it, or what else it decides about.
    pub section: &'static str,
    /// Its name within that.
    pub name: &'static str,
    /// What it is unless the file says otherwise.
    pub default: Number,
    /// What it is a number of.
    pub unit: Unit,
    /// What it is compared with.
    pub what: &'static str,
}

impl Spec {
    /// The whole key in the file.
    pub fn path(&self) -> String {
        match self.section {
            OF_SEVERITY => self.key.to_owned(),
            _ => format!("thresholds.{}", self.key),
        }
    }

    /// The unit in words.
    pub const fn unit_text(&self) -> &'static str {
        match self.unit {
            Unit::Rows => "rows",
            Unit::Calls => "calls",
            Unit::Loops => "loops",
            Unit::Ms => "ms",
            Unit::Bytes => "bytes",
            Unit::Blocks => "blocks",
            Unit::Cost => "cost",
            Unit::Ratio => "share, 0 to 1",
            Unit::Factor => "times",
            Unit::Count => "count",
            Unit::PerSecond => "a second",
        }
    }

    fn admits(&self, number: Number) -> Result<(), Fault> {
        let value = number.get();
        if !value.is_finite() || value < 0.0 {
            return Err(Fault::Negative);
        }
        if self.unit == Unit::Ratio && value > 1.0 {
            return Err(Fault::AboveOne);
        }
        match (self.default, number) {
            (Number::Whole(_), Number::Real(_)) => Err(Fault::NotWhole),
            _ => Ok(()),
        }
    }
}

/// A number as the file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Without a decimal point.
    Whole(i64),
    /// With one.
    Real(f64),
}

impl Number {
    /// For a comparison with numbers of either kind.
    pub const fn get(self) -> f64 {
        match self {
            Self::Whole(number) => float(number),
            Self::Real(number) => number,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

/// What thresholds are numbers of.
pub trait Quantity: Copy + fmt::Debug + Sync {
    /// The quantity of a number; `None` where it must be whole and the number is not.
    fn of(number: Number) -> Option<Self>;

    /// The bare number.
    fn number(self) -> Number;
}

impl Quantity for f64 {
    fn of(number: Number) -> Option<Self> {
        Some(number.get())
    }

    fn number(self) -> Number {
        Number::Real(self)
    }
}

impl Quantity for i64 {
    fn of(number: Number) -> Option<Self> {
        match number {
            Number::Whole(number) => Some(number),
            Number::Real(_) => None,
        }
    }

    fn number(self) -> Number {
        Number::Whole(self)
    }
}

macro_rules! quantities {
    ($($name:ident($inner:ty)),*) => {
        $(impl Quantity for $name {
            fn of(number: Number) -> Option<Self> {
                <$inner>::of(number).map(Self)
            }

            fn number(self) -> Number {
                self.0.number()
            }
        })*
    };
}

quantities!(Millis(f64), Rows(f64), Cost(f64), Bytes(i64));

/// The thresholds that a file sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds(BTreeMap<&'static str, Number>);

impl AsRef<Self> for Thresholds {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Thresholds {
    /// Those of a check, to be set.
    ///
    /// # Errors
    /// Where there is no such check.
    pub fn of_check(&mut self, id: &str) -> Result<Section<'_>, UnknownCheck> {
        let unknown = || UnknownCheck { id: id.to_owned() };
        let meta = find(id).ok_or_else(unknown)?.meta();
        Ok(Section {
            all: self,
            name: meta.id.as_str(),
            thresholds: meta.thresholds,
        })
    }

    /// Those that severity is weighed by, to be set.
    pub fn of_severity(&mut self) -> Section<'_> {
        Section {
            all: self,
            name: OF_SEVERITY,
            thresholds: SEVERITY,
        }
    }

    /// The share of a milder severity that is above that of a severer one, and the latter: no finding could get the
    /// milder one.
    pub fn disordered(&self) -> Option<(Spec, Spec)> {
        SHARES.windows(2).find_map(|pair| match pair {
            [severer, milder] if milder.of(self) > severer.of(self) => {
                Some((milder.spec(), severer.spec()))
            }
            _ => None,
        })
    }

    /// Those of the selected checks that are not what they are by default, each once, as the file has them.
    pub fn changed(&self, checks: &Selection) -> Vec<String> {
        let selected = CHECKS
            .iter()
            .map(|check| check.meta())
            .filter(|meta| checks.includes(meta.id))
            .flat_map(|meta| meta.thresholds);
        let specs = SEVERITY
            .iter()
            .chain(selected)
            .map(|threshold| threshold.spec());
        let mut seen = BTreeSet::new();
        let told = specs.filter_map(|spec| {
            let number = self.0.get(spec.key)?;
            let differs = number.get().total_cmp(&spec.default.get()).is_ne();
            let told = || format!("{} = {number} (default {})", spec.path(), spec.default);
            (differs && seen.insert(spec.key)).then(told)
        });
        told.collect()
    }
}

/// Thresholds that are set in one section of the file.
#[derive(Debug)]
pub struct Section<'t> {
    all: &'t mut Thresholds,
    name: &'static str,
    thresholds: &'static [&'static dyn AnyThreshold],
}

impl Section<'_> {
    /// Sets one; `None` is what is no number.
    ///
    /// # Errors
    /// Where there is no threshold of that name, or it cannot be that number.
    pub fn set(&mut self, name: &str, number: Option<Number>) -> Result<(), BadThreshold> {
        let spec = self.named(name)?;
        let refused = |fault| BadThreshold::Value { spec, fault };
        let number = number.ok_or_else(|| refused(Fault::NoNumber))?;
        spec.admits(number).map_err(refused)?;
        self.all.0.insert(spec.key, number);
        Ok(())
    }

    fn named(&self, name: &str) -> Result<Spec, BadThreshold> {
        let section = self.name;
        let specs = || self.thresholds.iter().map(|threshold| threshold.spec());
        match specs().find(|spec| spec.name == name) {
            Some(spec) if spec.section == section => Ok(spec),
            Some(spec) => Err(BadThreshold::Shared { section, spec }),
            None => Err(BadThreshold::Name {
                section,
                name: name.to_owned(),
                // They are so few that the nearest is the one.
                hint: nearest(name, specs().map(|spec| spec.name), usize::MAX),
            }),
        }
    }
}

/// A threshold that cannot be set.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BadThreshold {
    /// The check has no such threshold.
    #[error("{section} has no threshold {name:?}{hint}")]
    Name {
        /// The section.
        section: &'static str,
        /// The name.
        name: String,
        /// The nearest name that it has.
        hint: String,
    },
    /// The check shares the threshold with the one that it belongs to.
    #[error("{section} shares {} with others; set {}", .spec.name, .spec.path())]
    Shared {
        /// The section.
        section: &'static str,
        /// The threshold.
        spec: Spec,
    },
    /// It cannot have that value.
    #[error("{} {fault}; the default is {}", .spec.path(), .spec.default)]
    Value {
        /// The threshold.
        spec: Spec,
        /// What is wrong with the value.
        fault: Fault,
    },
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no number.
    NoNumber,
    /// It is below 0, or infinite.
    Negative,
    /// It is a share above 1.
    AboveOne,
    /// It has a fraction, and what is counted has none.
    NotWhole,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "must be a number",
            Self::Negative => "must be a number from 0 on",
            Self::AboveOne => "is a share, from 0 to 1",
            Self::NotWhole => "must be a whole number",
        })
    }
}
