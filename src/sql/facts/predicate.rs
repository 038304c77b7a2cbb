//! Conditions on one relation use.

use crate::sql::scope::ColumnRef;

/// An expression over columns of one relation use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expression {
    /// SQL text with unqualified column names, as an index expression would have it: `lower(email)`, `attrs ->> 'sku'`.
    pub text: String,
    /// The columns in it, in order of appearance.
    pub columns: Vec<String>,
    /// The parameters in it (`attrs ->> $1`): the text is an index expression only with their values put in.
    pub parameters: Vec<u32>,
    /// The type, where it is a bare column cast to a type: `numeric` of `depot::numeric`.
    pub cast: Option<String>,
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// A column.
    Column(String),
    /// An expression.
    Expression(Expression),
}

impl Operand {
    /// The columns in it.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Column(column) => std::slice::from_ref(column),
            Self::Expression(expression) => &expression.columns,
        }
    }
}

/// A column or expression together with its relation use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A column.
    Column(ColumnRef),
    /// An expression.
    Expression {
        /// Index into [`super::Facts::relations`].
        relation: usize,
        /// The expression.
        expression: Expression,
    },
}

impl Key {
    /// Index into [`super::Facts::relations`].
    pub fn relation(&self) -> usize {
        match self {
            Self::Column(column) => column.relation,
            Self::Expression { relation, .. } => *relation,
        }
    }

    /// The column, when it is a bare one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(column) => Some(&column.column),
            Self::Expression { .. } => None,
        }
    }

    /// The key without its relation.
    pub fn operand(&self) -> Operand {
        match self {
            Self::Column(column) => Operand::Column(column.column.clone()),
            Self::Expression { expression, .. } => Operand::Expression(expression.clone()),
        }
    }
}

/// A constant in the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Literal {
    /// The value of a string constant, or a redaction token.
    Text(String),
    /// A number as written.
    Number(String),
    /// `TRUE` or `FALSE`
    Boolean(bool),
    /// `NULL`
    Null,
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A parameter, cast or not.
    Parameter {
        /// Its number.
        number: u32,
        /// The type of an explicit cast, as written.
        cast: Option<String>,
    },
    /// A constant, cast or not.
    Literal(Literal),
    /// Anything else that does not depend on the relation: `now() - interval '1 day'`, `$1 + 1`.
    Expression {
        /// The parameters in it.
        parameters: Vec<u32>,
    },
    /// A value of other relations or of an outer level.
    Outer {
        /// The relation uses in it.
        relations: Vec<usize>,
    },
    /// A subquery that gives one value, or a computation over one.
    Subquery,
}

/// An ordering comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The operator.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The operator with its sides exchanged.
    #[must_use]
    pub fn commuted(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// The operator of the opposite condition.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }
}

/// The right side of `IN`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elements {
    /// `IN (a, b)`, `= ANY (ARRAY[a, b])`
    List(Vec<Value>),
    /// `= ANY (array)`
    Array(Value),
}

/// As [`Test::Other`] has it.
pub const IS_DISTINCT: &str = "IS DISTINCT FROM";

/// As [`Test::Other`] has it: `=`, and NULL where NULL is asked for.
pub const IS_NOT_DISTINCT: &str = "IS NOT DISTINCT FROM";

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Test {
    /// `=`
    Equal(Value),
    /// `<>`
    NotEqual(Value),
    /// `<`, `<=`, `>`, `>=`, with the operand at the left; `BETWEEN` is two of them.
    Range {
        /// The operator.
        operator: Comparison,
        /// The bound.
        value: Value,
    },
    /// `IN (…)`, `= ANY (array)`
    In(Elements),
    /// `NOT IN (…)`, `<> ALL (array)`
    NotIn(Elements),
    /// `LIKE 'abc%'`, `ILIKE`, `^@`, with a constant start.
    LikePrefix {
        /// What the value starts with, escapes resolved.
        prefix: String,
        /// `ILIKE`
        case_insensitive: bool,
    },
    /// `LIKE` and `ILIKE` with any other pattern, a parameter mostly.
    Like {
        /// The pattern.
        pattern: Value,
        /// `ILIKE`
        case_insensitive: bool,
    },
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
    /// A boolean that must be true.
    IsTrue,
    /// A boolean that must be false.
    IsFalse,
    /// An operator of the other index methods than btree: `@>`, `<@`, `&&`, `@@`, `?`, `?|`, `?&`, `@?`, `<<`, `~` …
    Contains {
        /// The operator with the operand at its left.
        operator: String,
        /// The other side.
        value: Value,
    },
    /// `value = ANY (operand)`: the operand is an array.
    HasElement(Value),
    /// `(a, b) < ($1, $2)`. Stands with the first column as the operand.
    Row {
        /// The columns, the first one too.
        columns: Vec<String>,
        /// The operator.
        operator: Comparison,
        /// The bounds.
        values: Vec<Value>,
    },
    /// Any other condition: `NOT LIKE` (`!~~`), regular expressions, `IS NOT TRUE`, `IS DISTINCT FROM`, operators of
    /// extensions.
    Other {
        /// The operator or keyword.
        operator: String,
        /// The other side.
        value: Option<Value>,
    },
}

/// One arm of an `OR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arm {
    /// Index into [`super::Facts::or_groups`].
    pub group: usize,
    /// Which arm of it, from 0.
    pub arm: usize,
}

/// A condition on one relation use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Predicate {
    /// What it is about.
    pub operand: Operand,
    /// What must hold.
    pub test: Test,
    /// The arms of `OR` that it stands in, outermost first; empty when it must hold for every row.
    pub arms: Vec<Arm>,
}
