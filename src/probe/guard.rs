//! May a statement be planned, may it be run?
//!
//! Text of a workload is written by others, and planning alone evaluates functions. So nothing of it reaches the
//! server's parser before two questions are answered: what kind of statement it is, from its tokens; and whether all
//! that it could name belongs to trusted owners, from the catalog (`guard.sql`). Both err towards refusing.
//!
//! Trusted are: the bootstrap superuser (all of `initdb`'s objects), members of extensions where a superuser owns both,
//! the connected role, and the roles that the user names. Another superuser is not: who that is, only the user knows.

use std::borrow::Cow;
use std::fmt::Write as _;

use tokio_postgres::Row;

use crate::sql::mentions::{Effect, Mentions, StatementClass};

/// Why something is not done, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// A clause in lower case.
    pub reason: String,
    /// A flag or a statement.
    pub remedy: Option<String>,
}

impl Hold {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: None,
        }
    }

    fn with_remedy(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// What the guard allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Planned and executed.
    Run,
    /// Planned only.
    PlanOnly(Hold),
    /// Not given to the server at all.
    Refuse(Hold),
}

/// Whether statements that write may be executed, in a transaction that is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// They are planned.
    Planned,
    /// They are executed, as the user asked.
    Executed,
    /// They are executed, and so are the volatile functions that trusted roles wrote: the user gave the text, too.
    ExecutedAsGiven,
}

/// What a text does, from its tokens alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextVerdict {
    /// One statement that reads.
    Reads,
    /// One statement that writes or locks.
    Modifies(Hold),
    /// Anything else.
    Refused(Hold),
}

/// Judges the text.
pub fn judge_text(mentions: &Mentions) -> TextVerdict {
    if mentions.unterminated.is_some() {
        return TextVerdict::Refused(Hold::with_remedy(
            "its text ends inside a string, a quoted name or a comment: it may have been cut off",
            "raise track_activity_query_size",
        ));
    }
    if mentions.several_statements {
        return TextVerdict::Refused(Hold::new("its text holds more than one statement"));
    }
    let changes = |effect: Effect| mentions.effects.contains(&effect);
    match &mentions.class {
        StatementClass::Other(word) if word.is_empty() => {
            TextVerdict::Refused(Hold::new("its text is no statement"))
        }
        StatementClass::Other(word) => TextVerdict::Refused(Hold::new(format!(
            "{} is neither SELECT, INSERT, UPDATE, DELETE nor MERGE",
            word.to_uppercase()
        ))),
        class if class.is_query() => {
            if changes(Effect::Insert)
                || changes(Effect::Update)
                || changes(Effect::Delete)
                || changes(Effect::Merge)
                || changes(Effect::Lock)
            {
                TextVerdict::Modifies(writes("it may change or lock rows"))
            } else if changes(Effect::Into) {
                TextVerdict::Refused(Hold::new("SELECT INTO creates a table"))
            } else {
                TextVerdict::Reads
            }
        }
        class => TextVerdict::Modifies(writes(match class {
            StatementClass::Insert => "INSERT changes rows",
            StatementClass::Update => "UPDATE changes rows",
            StatementClass::Delete => "DELETE changes rows",
            _ => "MERGE changes rows",
        })),
    }
}

fn writes(what: &str) -> Hold {
    Hold::with_remedy(format!("{what}: planned, not executed"), "--analyze-writes")
}

/// A row of `guard.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// What speaks against the statement.
    pub kind: ObjectionKind,
    /// The object: its kind and qualified identity.
    pub object: String,
    /// Its owner.
    pub owner: String,
    /// What the statement mentions that leads to it, when it is not mentioned itself.
    pub via: Option<String>,
}

/// What speaks against a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectionKind {
    /// Owned by somebody who is not trusted.
    Untrusted,
    /// Runs text or rules that cannot be followed.
    ExecutesText,
    /// A volatile function in a domain's constraint: reading a value of the type calls it.
    Early,
    /// A volatile function that is not known to be harmless.
    Volatile,
    /// A foreign table.
    Foreign,
    /// A relation that another session has locked, so that the statement would have to wait.
    Locked,
}

impl ObjectionKind {
    pub(super) const ALL: [Self; 6] = [
        Self::Untrusted,
        Self::ExecutesText,
        Self::Early,
        Self::Volatile,
        Self::Foreign,
        Self::Locked,
    ];

    /// What `guard.sql` calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::ExecutesText => "executes_text",
            Self::Early => "early",
            Self::Volatile => "volatile",
            Self::Foreign => "foreign",
            Self::Locked => "locked",
        }
    }

    /// Whether it speaks against planning, not only against executing.
    pub(super) const fn forbids_planning(self) -> bool {
        match self {
            Self::Untrusted | Self::ExecutesText | Self::Early | Self::Locked => true,
            Self::Volatile | Self::Foreign => false,
        }
    }
}

impl Objection {
    /// Decodes a row of `guard.sql`. Whatever it does not know counts as the worst.
    pub(super) fn decode(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let name: &str = row.try_get("objection")?;
        let kind = ObjectionKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .unwrap_or(ObjectionKind::Untrusted);
        let object_kind: &str = row.try_get("kind")?;
        let identity: &str = row.try_get("identity")?;
        Ok(Self {
            kind,
            object: format!("{object_kind} {identity}"),
            owner: row.try_get("owner")?,
            via: row.try_get("via")?,
        })
    }

    fn named(&self) -> String {
        match &self.via {
            Some(via) => format!("{}, reached from {via},", self.object),
            None => self.object.clone(),
        }
    }
}

/// How many objects a reason names.
const NAMED: usize = 3;

/// What names of functions begin with that PostgreSQL itself brings.
const SYSTEM_FUNCTION: &str = "function pg_catalog.";

/// Judges what the catalog says of a statement whose text may be planned.
pub fn judge(text: TextVerdict, objections: &[Objection], allowed: Writes) -> Verdict {
    let of = |kind: ObjectionKind| objections.iter().filter(move |o| o.kind == kind);
    let modifies = match text {
        TextVerdict::Refused(hold) => return Verdict::Refuse(hold),
        TextVerdict::Modifies(hold) => Some(hold),
        TextVerdict::Reads => None,
    };
    let untrusted: Vec<&Objection> = of(ObjectionKind::Untrusted).collect();
    if !untrusted.is_empty() {
        return Verdict::Refuse(untrusted_hold(&untrusted));
    }
    if let Some(objection) = of(ObjectionKind::ExecutesText).next() {
        return Verdict::Refuse(Hold::new(format!(
            "{} executes text that cannot be checked",
            objection.named()
        )));
    }
    if let Some(objection) = of(ObjectionKind::Early).next() {
        return Verdict::Refuse(Hold::new(format!(
            "{} is volatile and called by a domain's constraint: reading a value would run it",
            objection.named()
        )));
    }
    if let (Some(hold), Writes::Planned) = (modifies, allowed) {
        return Verdict::PlanOnly(hold);
    }
    if let Some(objection) = of(ObjectionKind::Foreign).next() {
        return Verdict::PlanOnly(Hold::new(format!(
            "{} would run at another server: planned, not executed",
            objection.named()
        )));
    }
    let own = |objection: &&Objection| {
        allowed == Writes::ExecutedAsGiven && !objection.object.starts_with(SYSTEM_FUNCTION)
    };
    if let Some(objection) = of(ObjectionKind::Volatile).find(|objection| !own(objection)) {
        return Verdict::PlanOnly(Hold::new(format!(
            "{} is volatile and may have side effects: planned, not executed",
            objection.named()
        )));
    }
    Verdict::Run
}

fn untrusted_hold(untrusted: &[&Objection]) -> Hold {
    let mut reason = untrusted
        .iter()
        .take(NAMED)
        .map(|objection| {
            format!(
                "{} is owned by {}, who is not trusted",
                objection.named(),
                objection.owner
            )
        })
        .collect::<Vec<_>>()
        .join("; ");
    if let Some(more) = untrusted.len().checked_sub(NAMED).filter(|more| *more > 0) {
        // A write to a String cannot fail.
        let _ = write!(reason, "; and {more} more");
    }
    let mut owners: Vec<&str> = untrusted.iter().map(|o| o.owner.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    let flags: Vec<String> = owners
        .iter()
        .map(|owner| format!("--trust-owner {}", shell_word(owner)))
        .collect();
    let whom = if owners.len() == 1 {
        "that role"
    } else {
        "those roles"
    };
    Hold::with_remedy(
        reason,
        format!("run with {} if you trust {whom}", flags.join(" ")),
    )
}

/// A name as one word of a command line: whoever plants an object chooses what is printed here, and somebody will paste
/// it into a shell.
fn shell_word(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("'{}'", name.replace('\'', r"'\''")))
    }
}

/// The arrays that `guard.sql` takes for what a text mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardNames {
    /// `$1`
    pub names: Vec<String>,
    /// `$2`
    pub operators: Vec<String>,
}

impl GuardNames {
    /// Of one text.
    pub fn of(mentions: &Mentions) -> Self {
        let mut names = Self::default();
        names.add(mentions);
        names
    }

    /// Of another text that goes with it.
    pub fn add(&mut self, mentions: &Mentions) {
        for name in &mentions.names {
            self.names.push(name.clone());
            // A server whose encoding has one byte a character folds letters beyond ASCII, too
            // (`downcase_identifier()`).
            self.names.push(name.to_lowercase());
        }
        for (schema, name) in &mentions.qualified {
            self.names.push(schema.clone());
            self.names.push(name.clone());
        }
        let schemas = mentions
            .qualified_operators
            .iter()
            .map(|(schema, _)| schema);
        self.names.extend(schemas.cloned());
        self.names.sort();
        self.names.dedup();
        self.operators.extend(mentions.operators.iter().cloned());
        self.operators.sort();
        self.operators.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untrusted(object: &str, owner: &str) -> Objection {
        Objection {
            kind: ObjectionKind::Untrusted,
            object: object.to_owned(),
            owner: owner.to_owned(),
            via: None,
        }
    }

    #[test]
    fn only_one_statement_of_the_planned_kinds_is_let_through() {
        let refused = [
            "SELECT 1; DROP TABLE t",
            "COPY t TO PROGRAM 'x'",
            "DO $$ BEGIN END $$",
            "EXPLAIN ANALYZE DELETE FROM t",
            "SELECT * INTO x FROM t",
            "CREATE TABLE x AS SELECT 1",
            "CALL p()",
            "SET ROLE postgres",
            "SELECT 'open",
            "SELECT 1 /* open",
            "",
            ";;",
            "-- SELECT 1",
            "PREPARE x AS SELECT 1",
            "EXECUTE x",
            "DECLARE c CURSOR FOR SELECT 1",
        ];
        for text in refused {
            let verdict = judge_text(&Mentions::of(text));
            assert!(
                matches!(verdict, TextVerdict::Refused(_)),
                "{text}: {verdict:?}"
            );
        }
        let modifies = [
            "INSERT INTO t VALUES (1)",
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED",
            "SELECT * FROM t for/**/share",
            "SELECT * FROM t FOR KEY SHARE OF t",
            "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
        ];
        for text in modifies {
            let verdict = judge_text(&Mentions::of(text));
            assert!(
                matches!(verdict, TextVerdict::Modifies(_)),
                "{text}: {verdict:?}"
            );
        }
        for text in [
            "SELECT 1;",
            "TABLE t",
            "VALUES (1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
        ] {
            assert_eq!(
                judge_text(&Mentions::of(text)),
                TextVerdict::Reads,
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_object_its_owner_and_the_flag() {
        let verdict = judge(
            TextVerdict::Reads,
            &[untrusted("function public.evil(integer)", "mallory")],
            Writes::Planned,
        );
        assert_eq!(
            verdict,
            Verdict::Refuse(Hold {
                reason: "function public.evil(integer) is owned by mallory, who is not trusted"
                    .to_owned(),
                remedy: Some("run with --trust-owner mallory if you trust that role".to_owned()),
            })
        );
    }

    #[test]
    fn an_owner_is_one_word_of_a_command_line() {
        for (owner, word) in [
            ("mallory", "mallory"),
            ("app.owner-2", "app.owner-2"),
            ("the owner", "'the owner'"),
            ("x; rm -rf ~ #", "'x; rm -rf ~ #'"),
            ("it's $(id)", r"'it'\''s $(id)'"),
            ("-q", "'-q'"),
        ] {
            let Verdict::Refuse(hold) = judge(
                TextVerdict::Reads,
                &[untrusted("view public.v", owner)],
                Writes::Planned,
            ) else {
                panic!("not refused");
            };
            let flag = format!("run with --trust-owner {word} if you trust that role");
            assert_eq!(hold.remedy.as_deref(), Some(flag.as_str()));
        }
    }

    #[test]
    fn many_objects_are_cut_and_each_owner_is_named_once() {
        let objections: Vec<Objection> = ["a", "b", "c", "d"]
            .iter()
            .map(|name| untrusted(&format!("view public.{name}"), "bob"))
            .collect();
        let Verdict::Refuse(hold) = judge(TextVerdict::Reads, &objections, Writes::Planned) else {
            panic!("not refused");
        };
        assert!(hold.reason.ends_with("; and 1 more"), "{}", hold.reason);
        assert_eq!(
            hold.remedy.as_deref(),
            Some("run with --trust-owner bob if you trust that role")
        );
    }

    #[test]
    fn volatile_calls_are_planned_even_where_writes_are_executed() {
        let volatile = Objection {
            kind: ObjectionKind::Volatile,
            ..untrusted("function pg_catalog.nextval(regclass)", "postgres")
        };
        let modifies = judge_text(&Mentions::of("UPDATE t SET a = 1"));
        for writes in [Writes::Planned, Writes::Executed] {
            let verdict = judge(modifies.clone(), std::slice::from_ref(&volatile), writes);
            assert!(matches!(verdict, Verdict::PlanOnly(_)), "{verdict:?}");
        }
        assert_eq!(judge(modifies.clone(), &[], Writes::Executed), Verdict::Run);
        let own = Objection {
            object: "function public.many(integer)".to_owned(),
            ..volatile.clone()
        };
        let given = |objections: &[Objection]| {
            judge(TextVerdict::Reads, objections, Writes::ExecutedAsGiven)
        };
        assert_eq!(given(std::slice::from_ref(&own)), Verdict::Run);
        assert!(matches!(given(&[own, volatile]), Verdict::PlanOnly(_)));
    }
}
