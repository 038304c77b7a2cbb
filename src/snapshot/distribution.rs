//! How the values of columns are distributed: all that the planner knows of them, so that it can plan elsewhere as it
//! does here.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::QualifiedName;
use crate::units::Bytes;

/// One row of `pg_stats`: a column of a table, or an expression of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// The table, or the index.
    pub relation: QualifiedName,
    /// The column's name; an index's expressions have names, too.
    pub column: String,
    /// The type as SQL writes it, without its modifier; of a domain, what it stands on.
    pub type_name: String,
    /// Whether the rows of children (partitions) are counted in.
    #[serde(default)]
    pub inherited: bool,
    /// Share of NULLs, 0..1.
    pub null_frac: f64,
    /// Mean width.
    pub avg_width_bytes: Bytes,
    /// Distinct values: a count, or if negative a share of the rows.
    pub n_distinct: f64,
    /// Correlation of physical and logical order, −1..1; `None` for types without an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
    /// Most common values, most frequent first.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub most_common: Values,
    /// Their frequencies, 0..1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub most_common_freqs: Vec<f64>,
    /// Bounds of equally filled buckets of the other values, in the column's order.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub histogram: Values,
    /// Most common elements of an array or lexemes of a `tsvector`, in their order.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub elements: Values,
    /// Their frequencies, then the least, the greatest and, for arrays, that of NULL elements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub element_freqs: Vec<f64>,
    /// Bounds of equally filled buckets of the number of distinct elements, then its mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub element_count_histogram: Vec<f64>,
}

/// One row of `pg_stats_ext`: statistics over several columns, made by `CREATE STATISTICS`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedStatistics {
    /// Its name.
    pub name: QualifiedName,
    /// Whether the rows of children (partitions) are counted in.
    #[serde(default)]
    pub inherited: bool,
    /// How many groups columns form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub n_distinct: Vec<ColumnGroup>,
    /// How far, 0..1, the first columns imply the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<ColumnGroup>,
}

/// Columns and what is known of them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnGroup {
    /// Their names.
    pub columns: Vec<String>,
    /// The number or the degree.
    pub value: f64,
}

/// Values, or of redacted ones nothing but their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Values {
    /// In text form; empty once redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// The place of each among all values of its kind of type in the capture, from 0: equal values have equal places
    /// wherever they stand. Of an enum's labels: the label's place in the type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<u32>,
}

impl Values {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.ranks.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len().max(self.ranks.len())
    }

    fn lists(distribution: &mut Distribution) -> [&mut Self; 2] {
        [&mut distribution.most_common, &mut distribution.histogram]
    }
}

/// Types whose values compare with one another: a foreign key of one type often refers to another of its kind.
pub fn kind_of(type_name: &str) -> &str {
    match type_name {
        "smallint" | "integer" | "bigint" | "oid" | "numeric" | "real" | "double precision" => {
            "number"
        }
        "date" | "timestamp without time zone" | "timestamp with time zone" => "moment",
        "text" | "character varying" | "character" | "name" | "citext" => "text",
        other => other,
    }
}

/// The kind of an array's elements, or of a `tsvector`'s lexemes.
pub fn element_kind(type_name: &str) -> &str {
    type_name.strip_suffix("[]").map_or("text", kind_of)
}

/// Leaves of all values nothing but their order.
pub(super) fn redact(distributions: &mut [Distribution]) {
    let places = Places::of(distributions);
    for distribution in distributions {
        let kind = kind_of(&distribution.type_name).to_owned();
        let element = element_kind(&distribution.type_name).to_owned();
        for values in Values::lists(distribution) {
            places.take(&kind, values);
        }
        places.take(&element, &mut distribution.elements);
    }
}

/// The place of each value among all of its kind.
struct Places(BTreeMap<String, FxHashMap<String, u32>>);

impl Places {
    fn of(distributions: &[Distribution]) -> Self {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut sorted: BTreeMap<&str, Vec<&[String]>> = BTreeMap::new();
        for distribution in distributions {
            let kind = kind_of(&distribution.type_name);
            let own = all.entry(kind).or_default();
            for values in [&distribution.most_common, &distribution.histogram] {
                own.extend(values.texts.iter().map(String::as_str));
            }
            let histogram = &distribution.histogram.texts;
            sorted.entry(kind).or_default().push(histogram);
            let elements = element_kind(&distribution.type_name);
            let texts = distribution.elements.texts.iter().map(String::as_str);
            all.entry(elements).or_default().extend(texts);
        }
        let placed = all.into_iter().map(|(kind, mut values)| {
            values.sort_unstable();
            values.dedup();
            Order::of(kind, sorted.get(kind).map_or(&[], Vec::as_slice)).sort(&mut values);
            let places = values.into_iter().map(str::to_owned).zip(0..);
            (kind.to_owned(), places.collect())
        });
        Self(placed.collect())
    }

    /// Puts places in the place of values.
    fn take(&self, kind: &str, values: &mut Values) {
        let texts = std::mem::take(&mut values.texts);
        if !values.ranks.is_empty() {
            return;
        }
        let places = self.0.get(kind);
        let place = |text: &String| places?.get(text).copied();
        values.ranks = texts.iter().filter_map(place).collect();
    }
}

/// How the values of a kind compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// By size.
    Numbers,
    /// By their bytes: so do booleans (`f`, `t`), moments as ISO 8601 writes them, uuids, and texts in the collation C.
    Bytes,
    /// Punctuation and case count only between values that are equal without: near to what a language's collation does.
    Letters,
}

impl Order {
    /// The order that the histograms of the kind stand in.
    fn of(kind: &str, sorted: &[&[String]]) -> Self {
        if kind == "number" {
            return Self::Numbers;
        }
        let wrong = |compare: fn(&str, &str) -> Ordering| {
            let pairs = sorted.iter().flat_map(|values| values.windows(2));
            pairs
                .filter(|pair| matches!(pair, [a, b] if compare(a, b) == Ordering::Greater))
                .count()
        };
        let by_bytes = wrong(str::cmp);
        if by_bytes == 0 || by_bytes <= wrong(|a, b| letters(a).cmp(letters(b)).then(a.cmp(b))) {
            Self::Bytes
        } else {
            Self::Letters
        }
    }

    /// Brings values into this order that are in the order of their bytes.
    fn sort(self, values: &mut [&str]) {
        match self {
            Self::Numbers => values.sort_by(|a, b| number(a).total_cmp(&number(b))),
            Self::Bytes => {}
            Self::Letters => values.sort_by_cached_key(|text| letters(text).collect::<String>()),
        }
    }
}

/// Numbers too long for a double differ too little to matter.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(type_name: &str, common: &[&str], histogram: &[&str]) -> Distribution {
        let values = |texts: &[&str]| Values {
            texts: texts.iter().map(|&text| text.to_owned()).collect(),
            ranks: Vec::new(),
        };
        Distribution {
            relation: QualifiedName::new("public", "t"),
            column: "c".to_owned(),
            type_name: type_name.to_owned(),
            inherited: false,
            null_frac: 0.0,
            avg_width_bytes: Bytes(4),
            n_distinct: -1.0,
            correlation: None,
            most_common: values(common),
            most_common_freqs: Vec::new(),
            histogram: values(histogram),
            elements: Values::default(),
            element_freqs: Vec::new(),
            element_count_histogram: Vec::new(),
        }
    }

    #[test]
    fn redacted_values_keep_their_order_across_columns_of_a_kind() {
        let mut all = [
            distribution("integer", &["9", "100"], &["-5", "20", "1000"]),
            distribution("bigint", &["100"], &["9", "20"]),
            distribution("boolean", &["t", "f"], &[]),
        ];
        redact(&mut all);
        let ranks = |at: usize| (&all[at].most_common.ranks, &all[at].histogram.ranks);
        assert_eq!(ranks(0), (&vec![1, 3], &vec![0, 2, 4]));
        assert_eq!(ranks(1), (&vec![3], &vec![1, 2]));
        assert_eq!(ranks(2), (&vec![1, 0], &vec![]));
        assert!(all.iter().all(|one| one.most_common.texts.is_empty()));
        let once = all.clone();
        redact(&mut all);
        assert_eq!(all, once, "redacting twice changes nothing");
    }

    #[test]
    fn texts_follow_the_collation_that_their_histograms_show() {
        let mut english = [distribution("text", &["bell"], &["Anna", "bob", "Carl"])];
        redact(&mut english);
        assert_eq!(english[0].histogram.ranks, [0, 2, 3]);
        assert_eq!(english[0].most_common.ranks, [1]);
        let mut c = [distribution("text", &["bell"], &["Anna", "Carl", "bob"])];
        redact(&mut c);
        assert_eq!(c[0].histogram.ranks, [0, 1, 3]);
    }

    #[test]
    fn the_places_of_labels_stay() {
        let mut labels = [distribution("mood", &["sad"], &[])];
        labels[0].most_common.ranks = vec![7];
        redact(&mut labels);
        assert_eq!(labels[0].most_common.ranks, [7]);
        assert!(labels[0].most_common.texts.is_empty());
    }
}
