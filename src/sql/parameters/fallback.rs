//! Parameters of text that does not parse, by the tokens around them.

use std::collections::BTreeMap;

use super::{ParameterColumn, ParameterUse, Parameters, Position};
use crate::sql::facts::commuted;
use crate::sql::lexer::{Token, TokenKind};
use crate::sql::rewrite::Stream;
use crate::sql::scope::CatalogNames;

/// The uses that the tokens beside each parameter show: `column = $1`, `column = ANY ($1)`, `IN`, `BETWEEN`, `LIMIT`,
/// `OFFSET`, casts, `SET`, `VALUES`, function arguments. Columns are tied to relations by the aliases in `FROM`, and
/// unqualified ones where only one relation has them.
pub fn from_tokens(text: &str, catalog: &dyn CatalogNames) -> Parameters {
    let stream = Stream::new(text);
    let clauses = clauses(&stream);
    let reader = Reader {
        stream: &stream,
        tables: tables(&stream, &clauses),
        inserts: inserts(&stream),
        clauses,
        catalog,
    };
    let mut parameters = Parameters::new();
    for index in 0..stream.len() {
        if let Some(number) = stream.parameter(index) {
            let uses = parameters.entry(number).or_default();
            for usage in reader.uses(index) {
                if !uses.contains(&usage) {
                    uses.push(usage);
                }
            }
        }
    }
    parameters
}

#[derive(Debug, Clone)]
struct Table {
    schema: Option<String>,
    name: String,
}

/// The relations by alias, or by name.
fn tables(stream: &Stream<'_>, clauses: &[Option<usize>]) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for index in 0..stream.len() {
        let mut at = index + 1;
        if stream.word(at, "only") {
            at += 1;
        }
        let starts = stream.any_word(index, &["from", "join", "update", "into", "using"])
            || stream.sign(index, ",")
                && clause_of(clauses, index).is_some_and(|at| stream.word(at, "from"));
        if !starts || !is_identifier(stream, at) {
            continue;
        }
        let (name, end) = dotted(stream, at);
        let mut name = name.into_iter().rev();
        let (Some(table), schema) = (name.next(), name.next()) else {
            continue;
        };
        let alias = if stream.word(end, "as") { end + 1 } else { end };
        let shown = if is_identifier(stream, alias) {
            stream.get(alias).and_then(Token::identifier)
        } else {
            None
        };
        tables
            .entry(shown.unwrap_or_else(|| table.clone()))
            .or_insert(Table {
                schema,
                name: table,
            });
    }
    tables
}

/// For each token, the last of the words before it, in the same parentheses, that start a clause.
fn clauses(stream: &Stream<'_>) -> Vec<Option<usize>> {
    const STARTS: [&str; 13] = [
        "from",
        "group",
        "having",
        "into",
        "on",
        "order",
        "returning",
        "select",
        "set",
        "using",
        "values",
        "when",
        "where",
    ];
    let mut latest = vec![None];
    (0..stream.len())
        .map(|index| {
            if stream.sign(index, ")") || stream.sign(index, "]") {
                latest.pop();
            }
            if stream.any_word(index, &STARTS) {
                match latest.last_mut() {
                    Some(slot) => *slot = Some(index),
                    None => latest.push(Some(index)),
                }
            }
            let clause = latest.last().copied().flatten();
            if stream.sign(index, "(") || stream.sign(index, "[") {
                latest.push(None);
            }
            clause
        })
        .collect()
}

fn clause_of(clauses: &[Option<usize>], index: usize) -> Option<usize> {
    clauses.get(index).copied().flatten()
}

/// `INSERT INTO table (columns) VALUES`
struct Insert {
    values: usize,
    table: Option<Table>,
    columns: Vec<String>,
}

fn inserts(stream: &Stream<'_>) -> Vec<Insert> {
    (0..stream.len())
        .filter(|index| stream.words(*index, &["insert", "into"]))
        .filter_map(|index| {
            let table = table_at(stream, index + 2);
            let values = (index..stream.len()).find(|at| stream.word(*at, "values"))?;
            let open = (index..values).find(|at| stream.sign(*at, "("))?;
            let columns = stream
                .arguments(open)
                .into_iter()
                .filter_map(|part| stream.get(part.start)?.identifier())
                .collect();
            Some(Insert {
                values,
                table,
                columns,
            })
        })
        .collect()
}

fn table_at(stream: &Stream<'_>, index: usize) -> Option<Table> {
    let at = index + usize::from(stream.word(index, "only"));
    let (name, _) = dotted(stream, at);
    let mut name = name.into_iter().rev();
    Some(Table {
        name: name.next()?,
        schema: name.next(),
    })
}

/// Words that are no aliases: what may follow a relation.
const AFTER_TABLE: [&str; 34] = [
    "and",
    "as",
    "by",
    "cross",
    "default",
    "do",
    "except",
    "fetch",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "join",
    "lateral",
    "left",
    "limit",
    "natural",
    "not",
    "offset",
    "on",
    "or",
    "order",
    "returning",
    "right",
    "select",
    "set",
    "tablesample",
    "union",
    "using",
    "values",
    "when",
    "where",
];

fn is_identifier(stream: &Stream<'_>, index: usize) -> bool {
    stream.get(index).is_some_and(|token| {
        token.is_name()
            && (token.kind != TokenKind::Word
                || AFTER_TABLE
                    .binary_search(&token.text.to_ascii_lowercase().as_str())
                    .is_err())
    })
}

/// The dotted name that starts at `index`, and the token after it.
fn dotted(stream: &Stream<'_>, index: usize) -> (Vec<String>, usize) {
    let mut parts = Vec::new();
    let mut at = index;
    loop {
        parts.extend(stream.get(at).and_then(Token::identifier));
        if !stream.sign(at + 1, ".") {
            return (parts, at + 1);
        }
        at += 2;
    }
}

/// Where the dotted name starts that ends at `index`.
fn dotted_start(stream: &Stream<'_>, index: usize) -> usize {
    let mut start = index;
    while start >= 2 && stream.sign(start - 1, ".") {
        start -= 2;
    }
    start
}

struct Reader<'s, 'a> {
    stream: &'s Stream<'a>,
    tables: BTreeMap<String, Table>,
    inserts: Vec<Insert>,
    clauses: Vec<Option<usize>>,
    catalog: &'s dyn CatalogNames,
}

impl Reader<'_, '_> {
    fn uses(&self, index: usize) -> Vec<ParameterUse> {
        let stream = self.stream;
        let mut uses = Vec::new();
        if stream.sign(index + 1, "::") {
            let (name, _) = dotted(stream, index + 2);
            uses.extend(name.last().cloned().map(ParameterUse::Cast));
        }
        let before = index.checked_sub(1);
        if before.is_some_and(|at| stream.word(at, "limit")) {
            uses.push(ParameterUse::Limit);
        } else if before.is_some_and(|at| stream.word(at, "offset")) {
            uses.push(ParameterUse::Offset);
        } else if before.is_some_and(|at| stream.any_word(at, &["first", "next"])) {
            uses.push(ParameterUse::Limit);
        } else {
            uses.extend(self.stored(index).or_else(|| self.compared(index)));
            uses.extend(self.argument(index));
        }
        uses
    }

    /// The column that the name ending at `end` means.
    fn column(&self, end: usize) -> Option<ParameterColumn> {
        let stream = self.stream;
        if !is_identifier(stream, end) {
            return None;
        }
        let (mut parts, _) = dotted(stream, dotted_start(stream, end));
        let column = parts.pop()?;
        let table = match parts.pop() {
            Some(alias) => self.tables.get(&alias),
            None => self.owner(&column),
        };
        Some(self.known(table, column))
    }

    fn known(&self, table: Option<&Table>, column: String) -> ParameterColumn {
        let resolved =
            table.and_then(|table| self.catalog.relation(table.schema.as_deref(), &table.name));
        ParameterColumn {
            schema: resolved
                .map(|known| known.name.schema.clone())
                .or_else(|| table?.schema.clone()),
            table: table.map(|table| table.name.clone()),
            column,
            expression: None,
        }
    }

    /// The one relation that has the column.
    fn owner(&self, column: &str) -> Option<&Table> {
        let mut candidates = self.tables.values().filter(|table| {
            self.catalog
                .relation(table.schema.as_deref(), &table.name)
                .is_none_or(|known| known.columns.iter().any(|name| name == column))
        });
        let first = candidates.next()?;
        candidates.next().is_none().then_some(first)
    }

    fn usage(&self, end: usize, operator: &str, position: Position) -> Option<ParameterUse> {
        Some(ParameterUse::Compared {
            column: self.column(end)?,
            operator: operator.to_owned(),
            position,
        })
    }

    fn compared(&self, index: usize) -> Option<ParameterUse> {
        let stream = self.stream;
        let last = index.checked_sub(1)?;
        if let Some((left, operator, position)) = self.operator_before(last) {
            return self.usage(left, operator, position);
        }
        if stream.word(last, "between") {
            return self.usage(self.left_of(last)?, ">=", Position::Value);
        }
        if stream.word(last, "and")
            && let Some(between) = (last.saturating_sub(8)..last)
                .rev()
                .find(|at| stream.word(*at, "between"))
        {
            return self.usage(self.left_of(between)?, "<=", Position::Value);
        }
        if let Some(usage) = self.element(index) {
            return Some(usage);
        }
        let after = stream.get(index + 1)?;
        if after.kind == TokenKind::Operator {
            let (_, end) = dotted(stream, index + 2);
            return self.usage(end.checked_sub(1)?, commuted(after.text), Position::Value);
        }
        None
    }

    /// The token that ends the operand left of the keyword at `index`, `NOT` skipped.
    fn left_of(&self, index: usize) -> Option<usize> {
        let left = index.checked_sub(1)?;
        if self.stream.word(left, "not") {
            left.checked_sub(1)
        } else {
            Some(left)
        }
    }

    /// The operator that ends at `last`, with the end of its left operand.
    fn operator_before(&self, last: usize) -> Option<(usize, &str, Position)> {
        let token = self.stream.get(last)?;
        if token.kind == TokenKind::Operator {
            let position = match token.text {
                "~" | "~*" | "~~" | "~~*" => Position::Pattern,
                "+" | "-" | "*" | "/" | "%" | "||" => Position::Part,
                _ => Position::Value,
            };
            let operator = if token.text == "!=" { "<>" } else { token.text };
            return Some((last.checked_sub(1)?, operator, position));
        }
        let operator = if token.is_word("like") {
            "~~"
        } else if token.is_word("ilike") {
            "~~*"
        } else {
            return None;
        };
        Some((self.left_of(last)?, operator, Position::Pattern))
    }

    /// `IN ($1, $2)` and `= ANY ($1)`
    fn element(&self, index: usize) -> Option<ParameterUse> {
        let stream = self.stream;
        let open = stream.opener(index)?;
        let word = open.checked_sub(1)?;
        if stream.word(word, "in") {
            return self.usage(self.left_of(word)?, "=", Position::Element);
        }
        if stream.any_word(word, &["any", "some", "all"]) {
            let (left, operator, _) = self.operator_before(word.checked_sub(1)?)?;
            return self.usage(left, operator, Position::Array);
        }
        None
    }

    /// `SET column = $1` and `INSERT INTO t (column) VALUES ($1)`
    fn stored(&self, index: usize) -> Option<ParameterUse> {
        let column = self.inserted(index).or_else(|| self.set(index))?;
        Some(ParameterUse::Assigned {
            column,
            position: Position::Value,
        })
    }

    fn inserted(&self, index: usize) -> Option<ParameterColumn> {
        let row = self.stream.opener(index)?;
        let values = clause_of(&self.clauses, row)?;
        let insert = self.inserts.iter().find(|insert| insert.values == values)?;
        let column = insert.columns.get(self.stream.position(index))?;
        Some(self.known(insert.table.as_ref(), column.clone()))
    }

    fn set(&self, index: usize) -> Option<ParameterColumn> {
        let stream = self.stream;
        let equals = index.checked_sub(1).filter(|at| stream.sign(*at, "="))?;
        let clause = clause_of(&self.clauses, index).filter(|at| stream.word(*at, "set"))?;
        let update = (0..clause).rev().find(|at| stream.word(*at, "update"))?;
        let column = stream.before(equals)?.identifier()?;
        Some(self.known(table_at(stream, update + 1).as_ref(), column))
    }

    fn argument(&self, index: usize) -> Option<ParameterUse> {
        let stream = self.stream;
        let open = stream.opener(index)?;
        let name = stream.before(open).filter(|token| {
            token.is_name()
                && ![
                    "in", "any", "some", "all", "values", "and", "or", "not", "as", "on", "array",
                ]
                .iter()
                .any(|word| token.is_word(word))
        })?;
        let whole = [stream.before(index), stream.get(index + 1)]
            .into_iter()
            .flatten()
            .all(|token| matches!(token.text, "(" | "," | ")"));
        if !whole {
            return None;
        }
        let index = stream.position(index);
        Some(ParameterUse::Argument {
            function: name.identifier()?,
            index,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::from_tokens;
    use crate::sql::facts::tests::{Shop, usage};
    use proptest::prelude::*;

    #[test]
    fn uses_by_tokens() {
        for (text, expected) in [
            (
                "SELECT u.*::text FROM users u WHERE u.id = $1 AND email = $2 LIMIT $3 OFFSET $4",
                "public.users.id = | public.users.email = | limit | offset",
            ),
            (
                "SELECT FROM orders o, users u WHERE o.id = ANY ($1) AND $2 < placed_at AND u.name NOT LIKE $3",
                "public.orders.id = (array) | public.orders.placed_at > | public.users.name ~~ (pattern)",
            ),
            (
                "x FROM orders WHERE user_id IN ($1, $2) AND total NOT BETWEEN $3 AND $4::numeric FETCH FIRST $5 ROWS ONLY",
                "public.orders.user_id = (element) | public.orders.user_id = (element) | public.orders.total >= | ::numeric; public.orders.total <= | limit",
            ),
            (
                "UPDATE ONLY audit.log SET action = $1 ??? WHERE actor_id = $2",
                "into audit.log.action | audit.log.actor_id =",
            ),
            (
                "INSERT INTO \"Order Lines\" AS x (\"Id\", \"Qty\") VALUES ($1, $2), ($3, $4) ???",
                "into public.Order Lines.Id | into public.Order Lines.Qty | into public.Order Lines.Id | into public.Order Lines.Qty",
            ),
            (
                "??? lower($1, a, $2) = 'x$3' FROM nowhere n WHERE n.y >= $3",
                "lower#0 | lower#2 | nowhere.y >=",
            ),
            ("FROM users u JOIN orders o WHERE id = $1", "?.id ="),
        ] {
            let uses: Vec<_> = from_tokens(text, &Shop::new())
                .values()
                .map(|all| all.iter().map(usage).collect::<Vec<_>>().join("; "))
                .collect();
            assert_eq!(uses.join(" | "), expected, "{text}");
        }
    }

    /// Both ways must agree on what the tree says exactly.
    #[test]
    fn simple_statements_read_the_same_by_tree_and_by_tokens() {
        let shop = Shop::new();
        for (name, text) in crate::sql::parse::tests::statements() {
            if [
                "simple",
                "columns",
                "in list",
                "any array",
                "between",
                "like parameter",
                "join on",
                "insert",
                "insert many",
                "update only",
                "django",
                "activerecord",
                "ecto",
            ]
            .contains(&name)
            {
                assert_eq!(
                    from_tokens(text, &shop),
                    super::super::parameters(text, &shop),
                    "{name}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "(\\PC|\\$[0-9]|[(),;.='\"\\[\\]]| from | a | in | any| between | and | values | into | set | update ){0,40}") {
            let _ = from_tokens(&text, &Shop::new());
            let _ = super::super::parameters(&text, &Shop::new());
        }
    }
}
