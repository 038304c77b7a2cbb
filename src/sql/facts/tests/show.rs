//! Facts as lines that a person can check.

use std::fmt::Write;

use crate::sql::facts::{
    Arm, Bound, Distinct, Elements, Extreme, Facts, Key, Level, Literal, Operand, Output,
    Predicate, SortKey, Test, Value,
};
use crate::sql::parameters::{ParameterColumn, ParameterUse, Position};
use crate::sql::scope::ColumnRef;

fn value(value: &Value) -> String {
    match value {
        Value::Parameter { number, cast: None } => format!("${number}"),
        Value::Parameter {
            number,
            cast: Some(cast),
        } => format!("${number}::{cast}"),
        Value::Literal(Literal::Text(text)) => format!("'{text}'"),
        Value::Literal(Literal::Number(text)) => text.clone(),
        Value::Literal(literal) => format!("{literal:?}").to_lowercase(),
        Value::Expression { parameters } => format!("expression{parameters:?}"),
        Value::Outer { relations } => format!("outer{relations:?}"),
        Value::Subquery => "subquery".to_owned(),
    }
}

fn values(all: &[Value]) -> String {
    all.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn elements(elements: &Elements) -> String {
    match elements {
        Elements::List(all) => format!("({})", values(all)),
        Elements::Array(one) => format!("array {}", value(one)),
    }
}

fn test(test: &Test) -> String {
    match test {
        Test::Equal(v) => format!("= {}", value(v)),
        Test::NotEqual(v) => format!("<> {}", value(v)),
        Test::Range { operator, value: v } => format!("{} {}", operator.as_str(), value(v)),
        Test::In(e) => format!("in {}", elements(e)),
        Test::NotIn(e) => format!("not in {}", elements(e)),
        Test::LikePrefix {
            prefix,
            case_insensitive,
        } => format!(
            "starts {prefix:?}{}",
            if *case_insensitive { " any case" } else { "" }
        ),
        Test::Like {
            pattern,
            case_insensitive,
        } => format!(
            "{} {}",
            if *case_insensitive { "ilike" } else { "like" },
            value(pattern)
        ),
        Test::IsNull => "is null".to_owned(),
        Test::IsNotNull => "is not null".to_owned(),
        Test::IsTrue => "is true".to_owned(),
        Test::IsFalse => "is false".to_owned(),
        Test::Contains { operator, value: v } => format!("contains {operator} {}", value(v)),
        Test::HasElement(v) => format!("has element {}", value(v)),
        Test::Row {
            columns,
            operator,
            values: v,
        } => format!(
            "row ({}) {} ({})",
            columns.join(", "),
            operator.as_str(),
            values(v)
        ),
        Test::Other { operator, value: v } => format!(
            "other {operator} {}",
            v.as_ref().map(value).unwrap_or_default()
        ),
    }
}

fn arms(arms: &[Arm]) -> String {
    arms.iter().fold(String::new(), |text, arm| {
        text + &format!(" [or {} arm {}]", arm.group, arm.arm)
    })
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Column(column) => column.clone(),
        Operand::Expression(e) => format!("«{}» of {}", e.text, e.columns.join(", ")),
    }
}

fn key(key: &Key) -> String {
    format!("{}.{}", key.relation(), operand(&key.operand()))
}

fn option_key(one: Option<&Key>) -> String {
    one.map_or("?".to_owned(), key)
}

fn keys(all: &[Option<Key>]) -> String {
    all.iter()
        .map(|one| option_key(one.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn sort_keys(all: &[SortKey]) -> String {
    all.iter()
        .map(|sort| {
            format!(
                "{}{}{}",
                option_key(sort.key.as_ref()),
                if sort.descending { " desc" } else { "" },
                if sort.nulls_first == sort.descending {
                    ""
                } else if sort.nulls_first {
                    " nulls first"
                } else {
                    " nulls last"
                }
            )
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn predicate(p: &Predicate) -> String {
    format!("{} {}{}", operand(&p.operand), test(&p.test), arms(&p.arms))
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Rows(n) => n.to_string(),
        Bound::Parameter(n) => format!("${n}"),
        Bound::Other => "?".to_owned(),
    }
}

fn output(output: &Output) -> String {
    match output {
        Output::Column { name, sources } => format!(
            "{name}={}",
            sources.iter().map(column_ref).collect::<Vec<_>>().join("|")
        ),
        Output::Computed { name } => name.clone().unwrap_or("?".to_owned()),
        Output::All { relation } => format!("{relation}.*"),
    }
}

fn column_ref(column: &ColumnRef) -> String {
    format!("{}.{}", column.relation, column.column)
}

fn level(number: usize, level: &Level, text: &mut String) {
    write!(text, "level {number} {:?}", level.role).unwrap();
    if let Some(parent) = level.parent {
        write!(text, " in {parent}").unwrap();
    }
    let mut add = |name: &str, what: String| {
        if !what.is_empty() {
            write!(text, "; {name} {what}").unwrap();
        }
    };
    add(
        "reads",
        level
            .relations
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    );
    add("order", sort_keys(&level.order_by));
    add("group", keys(&level.group_by));
    match &level.distinct {
        Distinct::No => {}
        Distinct::All => add("distinct", "all".into()),
        Distinct::On(on) => add("distinct on", keys(on)),
    }
    add("limit", level.limit.map(bound).unwrap_or_default());
    add("offset", level.offset.map(bound).unwrap_or_default());
    for extreme in &level.extremes {
        match extreme {
            Extreme::Min(k) => add("min", key(k)),
            Extreme::Max(k) => add("max", key(k)),
        }
    }
    for window in &level.windows {
        add(
            "window",
            format!(
                "partition {} order {}",
                keys(&window.partition),
                sort_keys(&window.order)
            ),
        );
    }
    if let Some(locking) = level.locking {
        add("lock", format!("{locking:?}"));
    }
    for (flag, name) in [
        (level.aggregates, "aggregates"),
        (level.grouping_sets, "grouping sets"),
        (level.set_operation, "set operation"),
    ] {
        if flag {
            add(name, "yes".into());
        }
    }
    add(
        "returns",
        level
            .output
            .iter()
            .map(output)
            .collect::<Vec<_>>()
            .join(", "),
    );
    text.push('\n');
}

fn column(column: &ParameterColumn) -> String {
    let mut text = format!(
        "{}.{}",
        column.table.as_deref().unwrap_or("?"),
        column.column
    );
    if let Some(schema) = &column.schema {
        text = format!("{schema}.{text}");
    }
    if let Some(expression) = &column.expression {
        text = format!("{text} «{expression}»");
    }
    text
}

fn position(position: Position) -> String {
    match position {
        Position::Value => String::new(),
        other => format!(" ({other:?})").to_lowercase(),
    }
}

pub fn usage(usage: &ParameterUse) -> String {
    match usage {
        ParameterUse::Compared {
            column: c,
            operator,
            position: p,
        } => format!("{} {operator}{}", column(c), position(*p)),
        ParameterUse::Assigned {
            column: c,
            position: p,
        } => format!("into {}{}", column(c), position(*p)),
        ParameterUse::Limit => "limit".into(),
        ParameterUse::Offset => "offset".into(),
        ParameterUse::Cast(name) => format!("::{name}"),
        ParameterUse::Argument { function, index } => format!("{function}#{index}"),
        ParameterUse::JsonKey {
            column: c,
            operator,
        } => format!(
            "key {operator} {}",
            c.as_ref().map(column).unwrap_or_default()
        ),
        ParameterUse::Selected => "selected".into(),
    }
}

pub fn show(facts: &Facts) -> String {
    let mut text = String::new();
    for (number, one) in facts.levels.iter().enumerate() {
        level(number, one, &mut text);
    }
    for (number, one) in facts.relations.iter().enumerate() {
        write!(
            text,
            "use {number} {:?} {}",
            one.role,
            one.resolved
                .as_ref()
                .map_or(one.name.clone(), ToString::to_string)
        )
        .unwrap();
        if let Some(alias) = &one.alias {
            write!(text, " as {alias}").unwrap();
        }
        if let Some(view) = &one.view {
            write!(text, " in view {view}").unwrap();
        }
        if one.whole_row {
            text.push_str(" whole row");
        }
        for (name, set) in [
            ("mentions", &one.referenced),
            ("selects", &one.selected),
            ("writes", &one.written),
        ] {
            if !set.is_empty() {
                write!(
                    text,
                    "; {name} {}",
                    set.iter().cloned().collect::<Vec<_>>().join(" ")
                )
                .unwrap();
            }
        }
        text.push('\n');
        for one in &one.predicates {
            writeln!(text, "  {}", predicate(one)).unwrap();
        }
    }
    for join in &facts.joins {
        writeln!(
            text,
            "join {} {} {} {:?}{}",
            key(&join.left),
            join.operator,
            key(&join.right),
            join.kind,
            arms(&join.arms)
        )
        .unwrap();
    }
    for (number, uses) in &facts.parameters {
        writeln!(
            text,
            "${number} {}",
            uses.iter().map(usage).collect::<Vec<_>>().join("; ")
        )
        .unwrap();
    }
    if !facts.unresolved.is_empty() {
        writeln!(text, "unresolved {:?}", facts.unresolved).unwrap();
    }
    text
}
