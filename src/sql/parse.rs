//! One statement's text as a syntax tree.
//!
//! The tree serves for understanding only: what is sent to a server is always the text. So a construct that the parser
//! library lacks may be simplified away before parsing ([`adapt`]) as long as names, predicates and order stay what
//! they were.

mod adapt;

use sqlparser::ast::{self, SetExpr};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::sql::lexer::TokenKind;
use crate::sql::rewrite::{self, Stream};

/// How deep expressions and subqueries may nest.
const MAX_NESTING: usize = 200;

/// How many operators may follow one another between two commas: each one is a level of the tree.
const MAX_CHAIN: usize = 8_000;

/// Stack for one level of the tree, in unoptimised builds too: formatting an expression takes most.
const BYTES_PER_LEVEL: usize = 48 * 1024;

/// Trees up to this depth fit every thread's stack.
const SHALLOW: usize = 16;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `SELECT`, `VALUES`, `TABLE`, with or without `WITH`.
    Select,
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
    /// `MERGE`
    Merge,
    /// Anything else: utility commands.
    Other,
}

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing but blanks and comments.
    #[error("the text holds no statement")]
    Empty,
    /// More than one statement.
    #[error("the text holds {0} statements; give one")]
    Several(usize),
    /// Nested or chained beyond [`MAX_NESTING`] or [`MAX_CHAIN`].
    #[error(
        "the statement is nested {nesting} deep with {chain} operators in a row, more than is read"
    )]
    TooComplex {
        /// The depth of parentheses.
        nesting: usize,
        /// The longest run of operators.
        chain: usize,
    },
    /// The parser's own message.
    #[error("the statement does not parse: {0}")]
    Syntax(String),
}

/// A text that is not understood, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unparsed {
    /// Why.
    pub reason: Reason,
}

impl From<Reason> for Unparsed {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

/// Exactly one statement, parsed.
#[derive(Debug)]
pub struct Statement {
    text: String,
    /// Always `Some`, except while dropped.
    tree: Option<Box<ast::Statement>>,
    depth: usize,
    kind: Kind,
}

impl Statement {
    /// The text as it was given to [`parse`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the statement does.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(in crate::sql) fn tree(&self) -> Option<&ast::Statement> {
        self.tree.as_deref()
    }

    /// Runs `work`, which walks the tree recursively, on a stack that is large enough for it.
    pub(in crate::sql) fn on_stack<R>(&self, work: impl FnOnce() -> R) -> R {
        on_stack(self.depth, work)
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        let tree = self.tree.take();
        on_stack(self.depth, || drop(tree));
    }
}

fn on_stack<R>(depth: usize, work: impl FnOnce() -> R) -> R {
    if depth <= SHALLOW {
        work()
    } else {
        stacker::maybe_grow(
            depth.saturating_mul(BYTES_PER_LEVEL),
            depth.saturating_mul(BYTES_PER_LEVEL) + (1 << 20),
            work,
        )
    }
}

/// Reads `text` as exactly one statement, of `pg_stat_statements` (normalised: `$1`) or as a client sent it, redacted
/// or not.
///
/// Constructs that the parser lacks, or reads as something else (`ONLY`), are simplified first; what does not parse
/// even so is tried again with the repairs of [`rewrite::repair`].
///
/// # Errors
///
/// [`Unparsed`] when there is no statement, more than one, or none that is understood.
pub fn parse(text: &str) -> Result<Statement, Unparsed> {
    let stream = Stream::new(text);
    let depth = measure(&stream)?;
    on_stack(depth, || parse_measured(&stream, depth))
}

fn parse_measured(stream: &Stream<'_>, depth: usize) -> Result<Statement, Unparsed> {
    let text = stream.text();
    let literal = adapt::literals(stream);
    let written = literal.as_deref().unwrap_or(text);
    let adapted = adapt::adapt(written);
    if let Some(tree) = adapted.as_deref().and_then(|text| parse_text(text).ok()) {
        return Ok(statement(text, tree, depth));
    }
    let error = match parse_text(written) {
        Ok(tree) => return Ok(statement(text, tree, depth)),
        Err(Reason::Syntax(error)) => error,
        Err(reason) => return Err(reason.into()),
    };
    for repaired in rewrite::repair(written) {
        if repaired.what.is_empty() {
            continue;
        }
        let adapted = adapt::adapt(&repaired.text).unwrap_or(repaired.text);
        if let Ok(tree) = parse_text(&adapted) {
            return Ok(statement(text, tree, depth));
        }
    }
    Err(Reason::Syntax(error).into())
}

fn parse_text(text: &str) -> Result<ast::Statement, Reason> {
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(MAX_NESTING)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| Reason::Syntax(error.to_string()))?;
    let count = statements.len();
    let mut statements = statements.into_iter();
    match (statements.next(), count) {
        (Some(statement), 1) => Ok(statement),
        (None, _) => Err(Reason::Empty),
        _ => Err(Reason::Several(count)),
    }
}

fn statement(text: &str, tree: ast::Statement, depth: usize) -> Statement {
    Statement {
        text: text.to_owned(),
        kind: kind(&tree),
        tree: Some(Box::new(tree)),
        depth,
    }
}

fn kind(tree: &ast::Statement) -> Kind {
    match tree {
        ast::Statement::Query(query) => body_kind(&query.body),
        ast::Statement::Insert(_) => Kind::Insert,
        ast::Statement::Update(_) => Kind::Update,
        ast::Statement::Delete(_) => Kind::Delete,
        ast::Statement::Merge(_) => Kind::Merge,
        _ => Kind::Other,
    }
}

fn body_kind(body: &SetExpr) -> Kind {
    match body {
        SetExpr::Insert(_) => Kind::Insert,
        SetExpr::Update(_) => Kind::Update,
        SetExpr::Delete(_) => Kind::Delete,
        SetExpr::Merge(_) => Kind::Merge,
        SetExpr::Query(query) => body_kind(&query.body),
        _ => Kind::Select,
    }
}

/// An upper bound of the depth of the tree that the text makes.
fn measure(stream: &Stream<'_>) -> Result<usize, Reason> {
    let (mut nesting, mut deepest, mut longest) = (0_usize, 0_usize, 0_usize);
    let mut chains = vec![0_usize];
    for index in 0..stream.len() {
        let Some(token) = stream.get(index) else {
            break;
        };
        match token.text {
            "(" | "[" => {
                nesting += 1;
                deepest = deepest.max(nesting);
                chains.push(0);
            }
            ")" | "]" => {
                nesting = nesting.saturating_sub(1);
                chains.pop();
            }
            "," | ";" => chains.last_mut().into_iter().for_each(|chain| *chain = 0),
            _ if deepens(stream, index) => {
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                    longest = longest.max(*chain);
                }
            }
            _ => {}
        }
    }
    if deepest > MAX_NESTING || longest > MAX_CHAIN {
        return Err(Reason::TooComplex {
            nesting: deepest,
            chain: longest,
        });
    }
    Ok(deepest + longest)
}

/// Keywords each of which may put one more node above the expression or query before it.
const CHAIN_WORDS: [&str; 18] = [
    "and",
    "at",
    "between",
    "case",
    "collate",
    "except",
    "ilike",
    "in",
    "intersect",
    "is",
    "isnull",
    "like",
    "not",
    "notnull",
    "operator",
    "or",
    "similar",
    "union",
];

fn deepens(stream: &Stream<'_>, index: usize) -> bool {
    stream.get(index).is_some_and(|token| match token.kind {
        TokenKind::Operator | TokenKind::Typecast => true,
        TokenKind::Word => {
            token.text.len() <= 9
                && CHAIN_WORDS
                    .binary_search(&token.text.to_ascii_lowercase().as_str())
                    .is_ok()
        }
        _ => false,
    })
}

#[cfg(test)]
pub(in crate::sql) mod tests;
