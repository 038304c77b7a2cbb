//! Percentiles of execution times from means and standard deviations.
//!
//! Durations of one statement are taken as log-normal with its mean m and standard deviation s (σ² = ln(1 + s²/m²),
//! μ = ln m − σ²/2: the moments of the log-normal distribution); the workload is their mixture, weighted by calls.

use super::{Family, Member, Workload};
use crate::units::{Millis, float};

/// Median, 95th and 99th percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// Median.
    pub p50: Millis,
    /// 95th.
    pub p95: Millis,
    /// 99th.
    pub p99: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Component {
    weight: f64,
    mu: f64,
    sigma: f64,
}

/// Halvings of the interval that holds a percentile, on a logarithmic scale: from a factor of 10^12, whose logarithm is
/// 27.6, to a width of 27.6 ÷ 2^25, less than one part in a million.
const HALVINGS: usize = 25;

/// How many standard deviations from a component's middle the search begins; nothing measurable lies beyond.
const REACH: f64 = 6.0;

impl Percentiles {
    /// Of all toplevel statements; `None` where no spread is known.
    pub fn of(workload: &Workload<'_>) -> Option<Self> {
        let families = workload.families().iter();
        let toplevel = families.filter(|family| family.toplevel());
        Self::of_members(workload, toplevel.flat_map(Family::members))
    }

    /// Of one family; `None` where no spread is known.
    pub fn of_family(workload: &Workload<'_>, family: &Family) -> Option<Self> {
        Self::of_members(workload, family.members().iter())
    }

    fn of_members<'m>(
        workload: &Workload<'_>,
        members: impl Iterator<Item = &'m Member>,
    ) -> Option<Self> {
        let components = components(workload, members);
        let total: f64 = components.iter().map(|component| component.weight).sum();
        if total <= 0.0 {
            return None;
        }
        let at = |quantile: f64| Millis(solve(&components, quantile * total));
        Some(Self {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
        })
    }
}

fn components<'m>(
    workload: &Workload<'_>,
    members: impl Iterator<Item = &'m Member>,
) -> Vec<Component> {
    members
        .filter_map(|member| {
            let delta = workload.delta(*member)?;
            let mean = delta.mean_exec_time_ms?.get();
            let deviation = delta.stddev_exec_time_ms?.get();
            if mean <= 0.0 {
                return None;
            }
            let variation = deviation / mean;
            let variance = (variation * variation).ln_1p();
            Some(Component {
                weight: float(delta.counters.get().calls),
                mu: mean.ln() - variance / 2.0,
                sigma: variance.sqrt(),
            })
        })
        .collect()
}

/// The time below which the mixture has the given weight.
fn solve(components: &[Component], weight: f64) -> f64 {
    let edge = |sign: f64| {
        components
            .iter()
            .map(move |component| component.mu + sign * REACH * component.sigma)
    };
    let mut low = edge(-1.0).fold(f64::INFINITY, f64::min);
    let mut high = edge(1.0).fold(f64::NEG_INFINITY, f64::max);
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        let below: f64 = components
            .iter()
            .map(|component| component.weight * component.below(middle))
            .sum();
        if below < weight {
            low = middle;
        } else {
            high = middle;
        }
    }
    high.exp()
}

impl Component {
    /// The share of its durations whose logarithm is at most `log`.
    fn below(&self, log: f64) -> f64 {
        let distance = log - self.mu;
        if self.sigma < 1e-9 {
            return if distance >= -1e-9 { 1.0 } else { 0.0 };
        }
        normal(distance / self.sigma)
    }
}

/// Coefficients of the polynomial in [`normal`].
const TERMS: [f64; 5] = [
    0.319_381_530,
    -0.356_563_782,
    1.781_477_937,
    -1.821_255_978,
    1.330_274_429,
];

/// The standard normal distribution function: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.2.17;
/// absolute error below 7.5e-8.
fn normal(z: f64) -> f64 {
    if z.abs() > 8.0 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial = TERMS.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let upper = density * polynomial;
    if z > 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_right_where_it_is_known() {
        for (z, value) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746),
            (-1.0, 0.158_655_254),
            (1.959_963_985, 0.975),
            (9.0, 1.0),
        ] {
            assert!((normal(z) - value).abs() < 1e-7, "{z}");
        }
    }

    #[test]
    fn a_mixture_has_its_components_percentiles() {
        let point = |weight: f64, mean: f64| Component {
            weight,
            mu: mean.ln(),
            sigma: 0.0,
        };
        let mixture = [point(90.0, 1.0), point(10.0, 100.0)];
        assert!((solve(&mixture, 50.0) - 1.0).abs() < 1e-3);
        assert!((solve(&mixture, 95.0) - 100.0).abs() < 1e-2);
    }

    #[test]
    fn the_median_of_one_lognormal_is_below_its_mean() {
        // mean 10, stddev 10: σ² = ln 2, median = 10/√2.
        let variance = 2.0_f64.ln();
        let one = [Component {
            weight: 4.0,
            mu: 10.0_f64.ln() - variance / 2.0,
            sigma: variance.sqrt(),
        }];
        assert!((solve(&one, 2.0) - 10.0 / 2.0_f64.sqrt()).abs() < 1e-4);
    }
}
