use super::*;
use crate::probe::catalog::Tables;
use crate::snapshot::Table;
use crate::sql::parameters::parameters;

fn tables() -> Tables {
    let statistics = |common: &[&str], histogram: &[String]| {
        serde_json::json!({
            "null_frac": 0.0, "avg_width_bytes": 4, "n_distinct": -1.0,
            "most_common_values": common, "histogram_bounds": histogram,
        })
    };
    let numbers: Vec<String> = (0..=100).map(|n| (n * 10).to_string()).collect();
    let names: Vec<String> = (10..=20).map(|n| format!("Name_{n}%")).collect();
    let table: Table = serde_json::from_value(serde_json::json!({
        "oid": 1, "name": {"schema": "public", "name": "t"}, "kind": "table",
        "columns": [
            {"name": "id", "type_name": "integer", "statistics": statistics(&[], &numbers)},
            {"name": "kind", "type_name": "text", "statistics": statistics(&["done", "new", "odd"], &[])},
            {"name": "name", "type_name": "text", "statistics": statistics(&["Common"], &names)},
            {"name": "at", "type_name": "date"},
        ],
    }))
    .unwrap();
    Tables::new(&[table])
}

fn type_(name: &str) -> InferredType {
    InferredType {
        name: name.to_owned(),
        base: name.to_owned(),
        kind: "b".to_owned(),
        label: None,
    }
}

/// The values that a text's parameters get; `NULL` for none, `?` where the types are needed first.
fn values(text: &str, variant: ParameterVariant, types: Option<&[InferredType]>) -> String {
    let tables = tables();
    let path = ["public".to_owned()];
    let under = tables.under(&path);
    let uses = parameters(text, &under);
    let count = u32::try_from(text.matches('$').count()).unwrap();
    let known = Known {
        uses: &uses,
        count,
        types,
        tables: &under,
        source: Source::Columns,
        given: &BTreeMap::new(),
    };
    let chosen = known.choose(variant);
    chosen.map_or_else(
        || "?".to_owned(),
        |values| {
            let values = values.into_iter();
            let texts = values.map(|value| value.value.unwrap_or_else(|| "NULL".to_owned()));
            texts.collect::<Vec<_>>().join(" | ")
        },
    )
}

#[test]
fn values_come_from_the_columns_that_parameters_are_compared_with() {
    let cases = [
        ("SELECT * FROM t WHERE id = $1", "500"),
        (
            "SELECT * FROM t WHERE id IN ($1, $2, $3)",
            "500 | 510 | 520",
        ),
        (
            "SELECT * FROM t WHERE id = ANY ($1)",
            "{\"500\",\"510\",\"520\"}",
        ),
        (
            "SELECT * FROM t WHERE kind = $1 LIMIT $2 OFFSET $3",
            "new | 10 | 0",
        ),
        ("SELECT * FROM t WHERE id > $1", "900"),
        ("SELECT * FROM t WHERE id < $1", "100"),
        ("SELECT * FROM t WHERE id BETWEEN $1 AND $2", "450 | 550"),
        ("SELECT * FROM t WHERE name LIKE $1", "Name%"),
        ("SELECT * FROM t WHERE name ~ $1", "^Name"),
        ("SELECT * FROM t WHERE lower(name) = $1", "name_15%"),
        ("UPDATE t SET kind = $1 WHERE id = $2", "new | 500"),
        ("SELECT * FROM t x WHERE x.id = $1::int", "500"),
        ("SELECT * FROM t WHERE at > now() - $1::interval", "1 day"),
        ("SELECT * FROM t WHERE at = $1", "?"),
        ("SELECT $1 + id FROM t", "?"),
    ];
    for (text, expected) in cases {
        let chosen = values(text, ParameterVariant::Typical, None);
        assert_eq!(chosen, expected, "{text}");
    }
}

#[test]
fn variants_differ_where_values_are_skewed() {
    let text = "SELECT * FROM t WHERE kind = $1 AND name = $2 AND id = $3";
    for (variant, expected) in [
        (ParameterVariant::Typical, "new | Name_15% | 500"),
        (ParameterVariant::MostCommon, "done | Common | 500"),
        (ParameterVariant::Rare, "odd | Name_12% | 500"),
    ] {
        assert_eq!(values(text, variant, None), expected);
    }
    let stored = "INSERT INTO t (id, kind) VALUES ($1, $2)";
    assert_eq!(
        values(stored, ParameterVariant::MostCommon, None),
        "500 | new"
    );
}

#[test]
fn types_give_values_where_columns_cannot() {
    let text = "SELECT * FROM t WHERE at = $1 AND id = $2";
    let types = [type_("date"), type_("integer")];
    let typical = ParameterVariant::Typical;
    assert_eq!(values(text, typical, Some(&types)), "now | 500");
    let unknown = [type_("no_such_type"), type_("integer")];
    assert_eq!(values(text, typical, Some(&unknown)), "NULL | 500");
    let arguments = "SELECT date_trunc($1, at), to_char(at, $2) FROM t";
    let types = [type_("text"), type_("text")];
    assert_eq!(values(arguments, typical, Some(&types)), "day | YYYY-MM-DD");
}
