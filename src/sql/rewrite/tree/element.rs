//! A value looked for among the elements of an array, as an array that the other contains.

use sqlparser::ast::{BinaryOperator, Expr};

use super::catalog::base_type;
use super::condition::each_rewritten;
use super::constant::{Constant, Type};
use super::sources::Sources;
use super::{Obstacle, Rewrite, Tables, Target, bare, expression, operand};
use crate::sql::parse::Statement;

/// The statement with `value = ANY (column)` as `column @> ARRAY[value]`, which GIN knows. Where the value or an
/// element is NULL, neither is true for it.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where no condition could be changed.
pub fn contained(
    statement: &Statement,
    tables: &dyn Tables,
    target: Target<'_>,
) -> Result<Rewrite, Obstacle> {
    each_rewritten(statement, tables, |test, around, _| {
        among_elements(test, around.sources, target)
    })
}

fn among_elements(
    test: &Expr,
    sources: &Sources,
    target: Target<'_>,
) -> Option<Result<Expr, Obstacle>> {
    let Expr::AnyOp {
        left,
        compare_op: BinaryOperator::Eq,
        right,
        ..
    } = test
    else {
        return None;
    };
    let column = sources.column(bare(right))?;
    if !target.is(&column.table.name, &column.facts.name) {
        return None;
    }
    let array = base_type(&column.facts.type_name);
    let element = array.strip_suffix("[]")?;
    let value = match Constant::of(left) {
        Ok(value) => value,
        Err(obstacle) => return Some(Err(obstacle)),
    };
    // Another type may hold values that the elements' type does not.
    let fits = match &value.kind {
        Type::Open => true,
        Type::Number => element == "numeric",
        Type::Known(own) => *own == base_type(element),
    };
    Some(if fits {
        expression(&format!(
            "{} @> ARRAY[{}]::{array}",
            operand(right),
            value.text
        ))
    } else {
        Err(Obstacle::Type {
            column: operand(right),
            type_name: array,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::QualifiedName;
    use crate::sql::parse::parse;
    use crate::sql::rewrite::{ColumnFacts, TableFacts};

    struct Books;

    impl Tables for Books {
        fn facts(&self, _: Option<&str>, name: &str) -> Option<TableFacts> {
            let column = |name: &str, type_name: &str| ColumnFacts {
                name: name.to_owned(),
                type_name: type_name.to_owned(),
                not_null: false,
            };
            (name == "book").then(|| TableFacts {
                name: QualifiedName::new("public", "book"),
                columns: vec![column("tags", "text[]"), column("years", "integer[]")],
                unique: Vec::new(),
            })
        }
    }

    #[test]
    fn a_value_among_elements_is_an_array_that_is_contained() {
        let table = QualifiedName::new("public", "book");
        let columns = ["tags".to_owned(), "years".to_owned()];
        for (condition, expected) in [
            ("'a' = ANY (tags)", Some("tags @> ARRAY['a']::text[]")),
            (
                "$1 = ANY (b.years)",
                Some("b.years @> ARRAY[$1]::integer[]"),
            ),
            (
                "$1::int = ANY (years)",
                Some("years @> ARRAY[$1::int]::integer[]"),
            ),
            ("$1::bigint = ANY (years)", None),
            ("NOT $1 = ANY (years)", None),
            ("$1 <> ANY (years)", None),
            ("$1 = ALL (years)", None),
            ("lower($1) = ANY (ARRAY['a'])", None),
        ] {
            let statement = parse(&format!("SELECT * FROM book AS b WHERE {condition}")).unwrap();
            let target = Target {
                table: &table,
                columns: &columns,
            };
            let rewritten = contained(&statement, &Books, target).ok();
            let text = rewritten.map(|rewrite| rewrite.text);
            let expected = expected.map(|after| format!("SELECT * FROM book AS b WHERE {after}"));
            assert_eq!(text, expected, "{condition}");
        }
    }
}
