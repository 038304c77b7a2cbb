//! What logs tell, in lines.

use crate::finding::{
    EstimateBasis, Estimated, Excerpt, ExcerptLine, LogInfo, Report, ReportStatement, Series,
};
use crate::format;
use crate::units::{Millis, float, ratio};

use super::text::one_line;

/// Intervals that a line of bars shows at most.
const BARS: usize = 60;

/// Bars of growing height.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Whether a statement's percentiles come from single durations.
pub(super) fn is_measured(statements: &[ReportStatement]) -> bool {
    let mut figures = statements.iter().map(|statement| statement.p95_ms);
    figures.any(|figure| figure.basis == EstimateBasis::Measured)
}

/// A percentile, marked where it is an estimate.
pub(super) fn figure(figure: Estimated) -> String {
    let Some(value) = figure.value else {
        return String::new();
    };
    let sign = match figure.basis {
        EstimateBasis::Measured => "",
        EstimateBasis::Estimated => "~",
    };
    format!("{sign}{}", format::duration(Millis(value)))
}

/// What was read, the percentiles, and calls a second over time.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let Some(log) = &report.log else {
        return Vec::new();
    };
    let metrics = report.baseline_metrics.as_ref();
    let percentiles = metrics.filter(|metrics| metrics.p50_ms.basis == EstimateBasis::Measured);
    let percentiles = percentiles.map(|metrics| {
        let [p50, p95, p99] = [metrics.p50_ms, metrics.p95_ms, metrics.p99_ms].map(figure);
        format!(" · p50 {p50}, p95 {p95}, p99 {p99} measured")
    });
    let mut lines = vec![format!("{}{}", read(log), percentiles.unwrap_or_default())];
    let rate = metrics.and_then(|metrics| metrics.calls_over_time.as_ref());
    lines.extend(rate.and_then(over_time));
    let limits = log.limits.iter();
    lines.extend(limits.map(|limit| format!("{}: {}", limit.reason, limit.remedy)));
    let skipped = log.skipped.iter().map(|skipped| {
        format!(
            "passed over in the log: {} {}, the first in {}:{}",
            format::count(float(skipped.count)),
            skipped.reason,
            skipped.file,
            skipped.line
        )
    });
    lines.extend(skipped);
    lines.into_iter().map(|line| one_line(&line)).collect()
}

fn read(log: &LogInfo) -> String {
    let span = match (log.from, log.to) {
        (Some(from), Some(to)) => {
            let (from, to) = (from.strftime("%F %T"), to.strftime("%F %T UTC"));
            format!(", {from} to {to}")
        }
        _ => String::new(),
    };
    format!(
        "log: {} statements of {} sessions{span}",
        format::count(float(log.executions)),
        format::count(float(log.sessions))
    )
}

/// Bars, and the highest of them in words.
fn over_time(series: &Series) -> Option<String> {
    let together = series.counts.len().div_ceil(BARS);
    let counts: Vec<i64> = series
        .counts
        .chunks(together.max(1))
        .map(|counts| counts.iter().sum())
        .collect();
    let most = counts.iter().copied().max()?;
    if counts.len() < 2 {
        return None;
    }
    let bars: String = counts.iter().map(|count| bar(*count, most)).collect();
    let place = series.counts.iter().copied().enumerate();
    let (place, peak) = place.max_by_key(|(place, count)| (*count, std::cmp::Reverse(*place)))?;
    let a_second = ratio(float(peak), series.seconds)?;
    let begin = float(i64::try_from(place).ok()?) * series.seconds;
    let begin = jiff::SignedDuration::try_from_secs_f64(begin).ok()?;
    let at = series.from.checked_add(begin).ok()?;
    Some(format!(
        "calls over time: {bars} most {} a second at {}",
        format::quantity(a_second),
        at.strftime("%T UTC")
    ))
}

fn bar(count: i64, most: i64) -> char {
    let steps = i64::try_from(HEIGHTS.len()).unwrap_or(1);
    let height = count.saturating_mul(steps).saturating_sub(1) / most.max(1);
    let place = usize::try_from(height).unwrap_or_default();
    HEIGHTS.get(place).copied().unwrap_or('█')
}

/// A place of a log: where it is, and the statements there.
pub(super) fn excerpt(excerpt: &Excerpt) -> Vec<String> {
    let head = format!("{}, session {}", excerpt.file, excerpt.session);
    let lines = excerpt.lines.iter().map(line);
    std::iter::once(head)
        .chain(lines)
        .map(|line| one_line(&line))
        .collect()
}

fn line(line: &ExcerptLine) -> String {
    let at = line
        .at
        .map(|at| format!(" {}", at.strftime("%F %T%.3f")))
        .unwrap_or_default();
    let parameters = line
        .parameters
        .as_ref()
        .map(|values| format!(" ({values})"))
        .unwrap_or_default();
    // The values come first: what is cut off where a line is long is the text, which stands above.
    format!("{}:{at}{parameters} {}", line.line, line.statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_before_the_text() {
        let excerpt = Excerpt {
            session: "4711".to_owned(),
            file: "a.log".to_owned(),
            lines: vec![ExcerptLine {
                line: 7,
                at: None,
                statement: "SELECT *\nFROM t".to_owned(),
                parameters: Some("$1 = '5'".to_owned()),
            }],
        };
        let lines = super::excerpt(&excerpt);
        assert_eq!(
            lines,
            ["a.log, session 4711", "7: ($1 = '5') SELECT * FROM t"]
        );
    }

    #[test]
    fn bars_stand_for_counts() {
        let series = Series {
            from: "2026-11-22T10:00:00Z".parse().unwrap(),
            seconds: 10.0,
            counts: vec![0, 5, 80, 40],
        };
        assert_eq!(
            over_time(&series).unwrap(),
            "calls over time: ▁▁█▄ most 8 a second at 10:00:20 UTC"
        );
        let long = Series {
            counts: vec![1; 119],
            ..series
        };
        let bars = over_time(&long).unwrap();
        assert_eq!(bars.matches('█').count(), 59);
    }
}
