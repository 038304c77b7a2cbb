//! Ordinary values of types, for parameters that no column gives a value for.

use super::explain::InferredType;
use super::values::{Family, family};
use crate::snapshot::ParameterValue;
use crate::sql::parameters::ParameterUse;

/// An array constant of the values.
pub(super) fn array<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let quoted: Vec<String> = values
        .map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    format!("{{{}}}", quoted.join(","))
}

/// The type that the text casts a parameter to.
pub(super) fn cast_type(uses: &[ParameterUse]) -> Option<InferredType> {
    uses.iter().find_map(|used| match used {
        ParameterUse::Cast(name) => {
            let type_ = InferredType {
                name: name.clone(),
                base: name.to_ascii_lowercase(),
                kind: "b".to_owned(),
                label: None,
            };
            default_of(&type_).is_some().then_some(type_)
        }
        _ => None,
    })
}

/// What a function takes that not every value of the type is.
pub(super) fn argument(uses: &[ParameterUse], type_: &InferredType) -> Option<String> {
    let is_of_type = |value: &&str| {
        let number = value.parse::<f64>().is_ok();
        match family(&type_.base) {
            Family::Number => number,
            Family::Text => true,
            Family::Time => false,
            Family::Other => !number,
        }
    };
    uses.iter().find_map(|used| {
        let ParameterUse::Argument { function, index } = used else {
            return None;
        };
        let value = match (function.as_str(), index) {
            ("date_trunc" | "date_part" | "extract", 0) => "day",
            ("timezone", 0) => "UTC",
            ("date_bin", 0) => "1 day",
            ("to_char" | "to_date" | "to_timestamp", 1) => "YYYY-MM-DD",
            ("to_date" | "to_timestamp", 0) => "2025-01-01",
            ("to_number", 1) => "9",
            ("encode" | "decode", 1) => "hex",
            ("convert_from" | "convert_to", 1) => "UTF8",
            ("normalize", 1) => "NFC",
            ("regexp_replace", 3) | ("regexp_matches" | "regexp_split_to_array", 2) => "g",
            ("width_bucket", 1) => "0",
            ("width_bucket", 2) | ("int4range" | "int8range" | "numrange", 1) => "100",
            ("width_bucket", 3) | ("generate_series", 1) => "10",
            ("daterange" | "int4range" | "int8range" | "numrange" | "tsrange" | "tstzrange", 2) => {
                "[)"
            }
            (
                "jsonb_to_recordset"
                | "json_to_recordset"
                | "jsonb_array_elements"
                | "json_array_elements"
                | "jsonb_array_elements_text"
                | "json_array_elements_text"
                | "jsonb_array_length"
                | "json_array_length",
                0,
            )
            | ("jsonb_populate_recordset" | "json_populate_recordset", 1) => "[]",
            ("make_date" | "make_timestamp" | "make_timestamptz", 0) => "2025",
            ("percentile_cont" | "percentile_disc", 0) => "0.5",
            ("current_setting", 0) => "work_mem",
            (privilege, last) if privilege.starts_with("has_") && *last > 0 => "SELECT",
            ("has_table_privilege", 0) => "pg_class",
            _ => return None,
        };
        Some(value).filter(is_of_type).map(str::to_owned)
    })
}

/// An ordinary value of a type.
pub(super) fn default_of(type_: &InferredType) -> Option<String> {
    if let Some(label) = &type_.label {
        return Some(label.clone());
    }
    if let Some(element) = type_.base.strip_suffix("[]") {
        let element = InferredType {
            name: element.to_owned(),
            base: element.to_owned(),
            kind: "b".to_owned(),
            label: None,
        };
        return Some(default_of(&element).map_or_else(
            || "{}".to_owned(),
            |value| array(std::iter::once(value.as_str())),
        ));
    }
    match type_.kind.as_str() {
        "r" => return Some("empty".to_owned()),
        "m" => return Some("{}".to_owned()),
        _ => {}
    }
    let base = type_.base.as_str();
    let base = base.split('(').next().unwrap_or(base).trim();
    let value = match base {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "oid"
        | "int" | "int2" | "int4" | "int8" | "float" | "float4" | "float8" | "decimal"
        | "money" | "bit" | "bit varying" | "varbit" | "xid" | "xid8" | "cid" => "1",
        "text" | "character varying" | "character" | "varchar" | "char" | "bpchar" | "name"
        | "\"char\"" | "citext" | "ltree" | "unknown" | "tsquery" | "lquery" | "ltxtquery" => "a",
        "boolean" | "bool" => "true",
        "date"
        | "timestamp without time zone"
        | "timestamp with time zone"
        | "timestamp"
        | "timestamptz" => "now",
        "time without time zone" | "time with time zone" | "time" | "timetz" => "12:00",
        "interval" => "1 day",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "json" | "jsonb" => "{}",
        "jsonpath" => "$",
        "xml" => "<a/>",
        "bytea" | "hstore" | "tsvector" => "",
        "inet" => "127.0.0.1",
        "cidr" => "127.0.0.0/8",
        "macaddr" => "08:00:2b:01:02:03",
        "macaddr8" => "08:00:2b:01:02:03:04:05",
        "point" => "(0,0)",
        "box" | "lseg" => "(0,0),(1,1)",
        "path" | "polygon" => "((0,0),(1,1),(1,0))",
        "circle" => "<(0,0),1>",
        "line" => "{1,-1,0}",
        "pg_lsn" => "0/0",
        "tid" => "(0,1)",
        "regclass" => "pg_class",
        "regtype" => "int4",
        "regproc" => "version",
        "regconfig" => "simple",
        "regrole" | "regnamespace" | "regoper" | "regoperator" | "regprocedure" => "0",
        "geometry" | "geography" => "POINT(0 0)",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Values without those of domains: what a domain's constraint asks for is not known, and nearly every one takes NULL.
pub(super) fn without_domains(
    values: Vec<ParameterValue>,
    types: &[InferredType],
) -> Vec<ParameterValue> {
    let each = values.into_iter().zip(types);
    each.map(|(value, of_type)| {
        let known = value.value.filter(|_| of_type.name == of_type.base);
        ParameterValue {
            value: known,
            ..value
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_(name: &str) -> InferredType {
        InferredType {
            name: name.to_owned(),
            base: name.to_owned(),
            kind: "b".to_owned(),
            label: None,
        }
    }

    #[test]
    fn every_default_is_of_its_type() {
        let mut label = type_("mood");
        label.label = Some("sad".to_owned());
        assert_eq!(default_of(&label).as_deref(), Some("sad"));
        assert_eq!(default_of(&type_("integer[]")).as_deref(), Some("{\"1\"}"));
        assert_eq!(default_of(&type_("no_such_type[]")).as_deref(), Some("{}"));
        assert_eq!(default_of(&type_("numeric(10,2)")).as_deref(), Some("1"));
        assert_eq!(default_of(&type_("no_such_type")), None);
    }

    #[test]
    fn what_a_function_takes_is_of_the_type_that_it_takes() {
        let argument = |function: &str, index, type_name| {
            let function = function.to_owned();
            super::argument(
                &[ParameterUse::Argument { function, index }],
                &type_(type_name),
            )
        };
        let some = |value: &str| Some(value.to_owned());
        assert_eq!(argument("generate_series", 1, "integer"), some("10"));
        assert_eq!(
            argument("generate_series", 1, "timestamp with time zone"),
            None
        );
        assert_eq!(argument("to_timestamp", 0, "text"), some("2025-01-01"));
        assert_eq!(argument("to_timestamp", 0, "double precision"), None);
        assert_eq!(argument("date_bin", 0, "interval"), some("1 day"));
        assert_eq!(argument("int4range", 1, "integer"), some("100"));
        assert_eq!(argument("date_trunc", 0, "text"), some("day"));
    }

    #[test]
    fn arrays_are_quoted() {
        let values = ["a,b", "c\"d", "e\\f", "{g}"];
        assert_eq!(array(values.into_iter()), r#"{"a,b","c\"d","e\\f","{g}"}"#);
    }
}
