//! Which statements are probed.

/// What a family of statements weighs; one representative text stands for each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// The representative's position in `Snapshot::statements`.
    pub position: usize,
    /// Execution time in all, in milliseconds.
    pub total_ms: f64,
    /// Mean execution time, in milliseconds.
    pub mean_ms: f64,
    /// Blocks read, or read time where it is measured.
    pub io: f64,
    /// Temporary blocks written.
    pub temp: f64,
    /// Executions.
    pub calls: f64,
}

/// The share of time that probes are to cover.
const COVERAGE: f64 = 0.95;

/// The positions to probe, most important first: by total time until 95 % of it is covered, then the leaders by mean time, I/O, temporary files and calls;
/// `top` at most. A leader takes the place of the last by total time, when there is no room left: the statement that is slow for each user, or that fills the
/// disk, matters even where it runs seldom.
pub fn choose(weights: &[Weight], top: usize) -> Vec<usize> {
    let by = |value: fn(&Weight) -> f64| {
        let mut order: Vec<&Weight> = weights.iter().collect();
        order.sort_by(|a, b| {
            value(b)
                .total_cmp(&value(a))
                .then(a.position.cmp(&b.position))
        });
        order
    };
    let all: f64 = weights.iter().map(|weight| weight.total_ms).sum();
    let mut covered = 0.0;
    let mut chosen: Vec<usize> = Vec::new();
    for weight in by(|weight| weight.total_ms) {
        if covered >= all * COVERAGE && !chosen.is_empty() {
            break;
        }
        covered += weight.total_ms;
        chosen.push(weight.position);
    }
    let leaders: Vec<usize> = [
        by(|weight| weight.mean_ms),
        by(|weight| weight.io),
        by(|weight| weight.temp),
        by(|weight| weight.calls),
    ]
    .iter()
    .zip([
        |weight: &Weight| weight.mean_ms,
        |weight: &Weight| weight.io,
        |weight: &Weight| weight.temp,
        |weight: &Weight| weight.calls,
    ])
    .filter_map(|(order, value)| order.first().filter(|weight| value(weight) > 0.0))
    .map(|weight| weight.position)
    .collect();
    merge(chosen, &leaders, top)
}

fn merge(chosen: Vec<usize>, leaders: &[usize], top: usize) -> Vec<usize> {
    let mut new: Vec<usize> = Vec::new();
    for leader in leaders {
        let within = chosen.iter().take(top).any(|position| position == leader);
        if !within && !new.contains(leader) {
            new.push(*leader);
        }
    }
    // Leaders may take a quarter of the places at most.
    new.truncate(
        top.div_ceil(4)
            .min(top.saturating_sub(1))
            .max(top.saturating_sub(chosen.len())),
    );
    let kept = top.saturating_sub(new.len());
    let mut merged: Vec<usize> = chosen
        .into_iter()
        .filter(|position| !new.contains(position))
        .take(kept)
        .collect();
    merged.extend(new);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(position: usize, total_ms: f64) -> Weight {
        Weight {
            position,
            total_ms,
            mean_ms: 1.0,
            io: 0.0,
            temp: 0.0,
            calls: total_ms,
        }
    }

    #[test]
    fn time_is_covered_in_order() {
        let weights = [
            weight(0, 5.0),
            weight(1, 90.0),
            weight(2, 4.0),
            weight(3, 1.0),
        ];
        // The leader by calls is position 1, by mean (all equal) position 0: both are in already.
        assert_eq!(choose(&weights, 20), [1, 0]);
        assert_eq!(choose(&weights, 1), [1]);
        assert!(choose(&[], 20).is_empty());
    }

    #[test]
    fn leaders_get_a_place() {
        let mut weights: Vec<Weight> = (0..30).map(|position| weight(position, 100.0)).collect();
        weights.push(Weight {
            temp: 1e6,
            mean_ms: 1e4,
            ..weight(30, 0.5)
        });
        let chosen = choose(&weights, 20);
        assert_eq!(chosen.len(), 20);
        assert_eq!(chosen.last(), Some(&30));
    }
}
