//! The strings of `EXPLAIN (FORMAT JSON)`.

use serde_json::Value;

use super::Redactor;

/// Keys of plan nodes, triggers and the plan itself whose strings are names or fixed words of the server (`explain.c`
/// of versions 13 to 18): never data.
const NAME_KEYS: [&str; 36] = [
    "Alias",
    "Async Capable",
    "CTE Name",
    "Cache Mode",
    "Command",
    "Conflict Arbiter Indexes",
    "Conflict Resolution",
    "Constraint Name",
    "Custom Plan Provider",
    "Format",
    "Full-sort Groups",
    "Function Name",
    "Index Name",
    "Join Type",
    "Node Type",
    "Operation",
    "Parent Relationship",
    "Partial Mode",
    "Peak Sort Space Used",
    "Pre-sorted Groups",
    "Query Identifier",
    "Relation",
    "Relation Name",
    "Sampling Method",
    "Scan Direction",
    "Schema",
    "Settings",
    "Sort Method",
    "Sort Methods Used",
    "Sort Space Type",
    "Storage",
    "Strategy",
    "Subplan Name",
    "Table Function Name",
    "Trigger Name",
    "Tuplestore Name",
];

impl Redactor {
    /// Replaces the constants in a plan, in place: every string that is not known to be a name or a fixed word is
    /// treated as SQL. Numbers, which count rows, time and memory, stay.
    pub fn plan(&mut self, plan: &mut Value) {
        match plan {
            Value::String(expression) => *expression = self.sql(expression),
            Value::Array(items) => {
                for item in items {
                    self.plan(item);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !is_name_key(key) {
                        self.plan(value);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn is_name_key(key: &str) -> bool {
    NAME_KEYS.binary_search(&key).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_are_sorted() {
        assert!(super::NAME_KEYS.is_sorted());
    }
}
