//! Asks the planner what a statement would cost with indexes that do not exist, by the `HypoPG` extension.
//!
//! A hypothetical index lives in the memory of one server process and survives ROLLBACK. So it is made, asked about and
//! forgotten inside of one transaction: behind a pooler, any other moment could be another process.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::ProbeOptions;
use super::attempt::Context;
use super::catalog::Tables;
use super::explain::{Style, Subject};
use super::fault::Fault;
use super::guard::{GuardNames, Hold, Verdict, Writes, judge, judge_text};
use super::inquiry::{Inquiry, WRITER_WAITS_FOR};
use super::link::{Access, Parameter, ProbeSession, SET, Settings, get, pinned_path};
use super::paths::RolePaths;
use super::statistics::VIEWS;
use super::step::PLAN_TIMEOUT;
use crate::connect::Session;
use crate::ids::{StatementKey, quote_ident};
use crate::plan::Plan;
use crate::snapshot::{
    Area, Gap, IndexDefinition, ParameterValue, ParameterVariant, Role, Snapshot, Statement,
    WhatIf, WhatIfBasis,
};
use crate::sql::mentions::Mentions;
use crate::units::{Bytes, Cost};

/// The extension.
const HYPOPG: &str = "hypopg";

/// The functions that are called, which must be trusted, too.
const FUNCTIONS: [&str; 4] = [
    "hypopg",
    "hypopg_create_index",
    "hypopg_relation_size",
    "hypopg_reset",
];

/// From this version on, a partial hypothetical index crashes the server when the statement reads through a view.
const CRASHES_WITH_VIEWS: i32 = 18;

/// A session that answers what-if questions.
pub struct HypopgOracle {
    session: ProbeSession,
    options: ProbeOptions,
    settings: Settings,
    role: Role,
    paths: RolePaths,
    tables: Tables,
    /// Where the extension's functions are.
    schema: String,
    end: Instant,
}

/// A statement to be planned again, as it was planned before.
struct Question<'a> {
    statement: &'a Statement,
    text: String,
    style: Style,
    values: Vec<ParameterValue>,
    commands: Vec<String>,
}

impl HypopgOracle {
    /// Opens an own connection beside `session`. All questions together may take `time`.
    ///
    /// # Errors
    ///
    /// A gap that says what is missing: the extension, or the connection.
    pub async fn open(
        session: &Session,
        snapshot: &Snapshot,
        options: &ProbeOptions,
        time: Duration,
        cancelled: watch::Receiver<bool>,
    ) -> Result<Self, Gap> {
        let gap = |reason: String, remedy: Option<&str>| Gap {
            area: Area::HypotheticalIndexes,
            reason,
            remedy: remedy.map(str::to_owned),
        };
        let extension = snapshot.extensions.iter().find(|e| e.name == HYPOPG);
        let Some(extension) = extension else {
            return Err(gap(
                "the extension hypopg is not installed".to_owned(),
                Some("CREATE EXTENSION hypopg"),
            ));
        };
        let end = Instant::now() + time;
        let lost = |fault: Fault| gap(format!("no connection: {fault}"), None);
        let session = ProbeSession::open(session, cancelled, end)
            .await
            .map_err(lost)?;
        let paths = RolePaths::read(&session).await.map_err(lost)?;
        Ok(Self {
            session,
            options: options.clone(),
            settings: super::settings::allowed_settings(options),
            role: snapshot.role.clone(),
            paths,
            tables: Tables::new(&snapshot.tables),
            schema: extension.schema.clone(),
            end,
        })
    }

    /// What the statement would cost with `indexes` beside those that exist: planned with the values of
    /// [`Snapshot::plan_of`].
    ///
    /// # Errors
    ///
    /// Why there is no answer: the statement has no plan, the guard refuses, or the server does.
    pub async fn what_if(
        &mut self,
        snapshot: &Snapshot,
        key: &StatementKey,
        indexes: &[IndexDefinition],
    ) -> Result<WhatIf, Hold> {
        if Instant::now() >= self.end {
            return Err(Hold::new("the time for what-if questions has ended"));
        }
        let question = question(snapshot, key, indexes)?;
        let mentions = Mentions::of(&question.text);
        let context = Context {
            session: &self.session,
            options: &self.options,
            settings: &self.settings,
            role: &self.role,
            paths: &self.paths,
            budget_end: self.end,
        };
        let mut told = Hold::new("the statement has no plan");
        for path in context.search_paths(question.statement, &mentions, &self.tables) {
            match self.ask_patiently(&question, &path).await {
                Ok(Ok(answer)) => {
                    return Ok(WhatIf {
                        key: key.clone(),
                        indexes: indexes.to_vec(),
                        basis: WhatIfBasis::Hypopg,
                        before_cost: answer.before,
                        after_cost: answer.after,
                        before_ms: None,
                        after_ms: None,
                        used: answer.used,
                        size_bytes: answer.sizes,
                    });
                }
                Ok(Err(hold)) => return Err(hold),
                Err(fault) if fault.is_unknown_name() => told = Hold::new(fault.to_string()),
                Err(fault) => return Err(Hold::new(fault.to_string())),
            }
        }
        Err(told)
    }

    async fn ask_patiently(
        &self,
        question: &Question<'_>,
        path: &[String],
    ) -> Result<Result<Answer, Hold>, Fault> {
        let mut patience = self.session.patience();
        loop {
            let done = self.ask(question, path).await;
            if !patience.again(done.as_ref().err()).await? {
                return done;
            }
        }
    }

    /// Asks under one search path, in one transaction. The guard's question goes along with each request; only where it
    /// is answered with an error, it is asked by itself.
    async fn ask(
        &self,
        question: &Question<'_>,
        path: &[String],
    ) -> Result<Result<Answer, Hold>, Fault> {
        let session = &self.session;
        let mut names = GuardNames::of(&Mentions::of(&question.text));
        for command in &question.commands {
            names.add(&Mentions::of(command));
        }
        names.names.extend(FUNCTIONS.map(str::to_owned));
        names.names.push(self.schema.clone());
        let inquiry = Inquiry {
            names,
            schemas: path,
            trusted: &self.options.trust_owners,
            access: Access::Read,
            writes: Writes::Planned,
            waits_for: WRITER_WAITS_FOR,
        };
        let text = judge_text(&Mentions::of(&question.text));
        if let Verdict::Refuse(hold) = judge(text.clone(), &[], Writes::Planned) {
            return Ok(Err(hold));
        }
        session.begin(inquiry.access).await?;
        let answer = self.compare(question, &inquiry).await;
        let ended = session.end().await;
        match answer {
            Err(Fault::Changed) => ended?,
            answer => return ended.and(answer),
        }
        let objections = session.begin_guarded(&inquiry).await;
        let ended = session.end().await;
        let verdict = judge(text, &objections?, Writes::Planned);
        ended?;
        match verdict {
            Verdict::Refuse(hold) => Ok(Err(hold)),
            Verdict::Run | Verdict::PlanOnly(_) => Err(Fault::Changed),
        }
    }

    /// Plans without and with the indexes; forgets them whatever happens.
    async fn compare(
        &self,
        question: &Question<'_>,
        inquiry: &Inquiry<'_>,
    ) -> Result<Result<Answer, Hold>, Fault> {
        let session = &self.session;
        if self.may_crash(question).await? {
            return Ok(Err(Hold::new(
                "a partial hypothetical index and a view together crash the server",
            )));
        }
        session.execute(SAVE).await?;
        let answer = self.with_indexes(question, inquiry).await;
        if answer.as_ref().is_err_and(Fault::is_lost) {
            return answer.map(Ok);
        }
        // The statement may have failed: only after going back do further ones run.
        session.execute(RESTORE).await?;
        session
            .own(SET, &self.path_with_extension(&[]).parameters())
            .await?;
        session
            .own(query!("probe_hypothetical_reset.sql"), &[])
            .await?;
        answer.map(Ok)
    }

    async fn may_crash(&self, question: &Question<'_>) -> Result<bool, Fault> {
        let partial = question
            .commands
            .iter()
            .any(|command| command.contains(" WHERE "));
        if !partial || self.session.major() < CRASHES_WITH_VIEWS {
            return Ok(false);
        }
        let names: Vec<String> = Mentions::of(&question.text).names.into_iter().collect();
        let rows = self
            .session
            .own(VIEWS, &[(&names, Type::TEXT_ARRAY)])
            .await?;
        Ok(!rows.is_empty())
    }

    async fn with_indexes(
        &self,
        question: &Question<'_>,
        inquiry: &Inquiry<'_>,
    ) -> Result<Answer, Fault> {
        let session = &self.session;
        let subject = Subject {
            text: &question.text,
            inquiry,
            settings: &self.settings,
        };
        let plan = session.explain(subject, question.style, &question.values, PLAN_TIMEOUT);
        let before = cost(&plan.await?.0)?;
        let (made, (plan, _)) = session
            .explain_after(
                self.create(&question.commands, inquiry),
                subject,
                question.style,
                &question.values,
                PLAN_TIMEOUT,
            )
            .await?;
        if made.len() != question.commands.len() {
            let reason = "hypopg_create_index() did not make every index";
            return Err(Fault::Unreadable(reason.to_owned()));
        }
        let mut names = Vec::new();
        let mut sizes = Vec::new();
        for row in &made {
            names.push(get::<String>(row, "name")?);
            sizes.push(get::<Option<i64>>(row, "size")?.map(Bytes));
        }
        Ok(Answer {
            before,
            after: cost(&plan)?,
            used: names
                .iter()
                .enumerate()
                .filter(|(_, name)| uses_index(&plan, name))
                .map(|(position, _)| position)
                .collect(),
            sizes,
        })
    }

    /// Makes the planner believe in indexes. Reading their definitions may look for functions and operators, as a
    /// statement does.
    async fn create(
        &self,
        commands: &Vec<String>,
        inquiry: &Inquiry<'_>,
    ) -> Result<Vec<Row>, Error> {
        let client = self.session.client();
        let path = self.path_with_extension(inquiry.schemas);
        let path = path.parameters();
        let commands: [Parameter<'_>; 1] = [(commands, Type::TEXT_ARRAY)];
        let (set, rows) = futures_util::join!(
            client.query_typed(SET, &path),
            client.query_typed(CREATE, &commands)
        );
        set.and(rows)
    }

    /// The extension's schema stands before others, which may hold functions of the same names.
    fn path_with_extension(&self, path: &[String]) -> Settings {
        let mut schemas = vec![self.schema.clone()];
        schemas.extend_from_slice(path);
        let mut settings = Settings::default();
        settings.set("search_path", pinned_path(&schemas));
        settings
    }
}

const CREATE: &str = query!("probe_hypothetical.sql");
const SAVE: &str = "SAVEPOINT pgtriage_hypothetical /* pgtriage */";
const RESTORE: &str = "ROLLBACK TO SAVEPOINT pgtriage_hypothetical /* pgtriage */";

struct Answer {
    before: Cost,
    after: Cost,
    used: Vec<usize>,
    sizes: Vec<Option<Bytes>>,
}

/// The statement with the text and values of the plan that tells most of its calls.
fn question<'a>(
    snapshot: &'a Snapshot,
    key: &StatementKey,
    indexes: &[IndexDefinition],
) -> Result<Question<'a>, Hold> {
    let no_plan = || Hold::new("the statement has no plan");
    let statement = snapshot
        .statements
        .iter()
        .find(|statement| statement.key == *key)
        .ok_or_else(no_plan)?;
    let record = snapshot.plan_of(statement).ok_or_else(no_plan)?;
    let text = record
        .text
        .clone()
        .or_else(|| statement.query.clone())
        .ok_or_else(no_plan)?;
    let style = if record.variant == ParameterVariant::Generic {
        Style::Generic
    } else {
        Style::Plan
    };
    let commands: Vec<String> = indexes.iter().map(command).collect();
    let whole = commands.iter().map(|command| Mentions::of(command));
    if whole
        .into_iter()
        .any(|command| command.several_statements || command.unterminated.is_some())
    {
        return Err(Hold::new("the index definition is not one command"));
    }
    Ok(Question {
        statement,
        text,
        style,
        values: record.parameters.clone(),
        commands,
    })
}

/// The command that `hypopg_create_index()` reads.
fn command(index: &IndexDefinition) -> String {
    let include = if index.include.is_empty() {
        String::new()
    } else {
        let columns: Vec<_> = index.include.iter().map(|name| quote_ident(name)).collect();
        format!(" INCLUDE ({})", columns.join(", "))
    };
    let predicate = index
        .predicate
        .as_deref()
        .map(|predicate| format!(" WHERE {predicate}"))
        .unwrap_or_default();
    format!(
        "CREATE {}INDEX ON {} USING {} ({}){include}{predicate}",
        if index.unique { "UNIQUE " } else { "" },
        index.table(),
        quote_ident(&index.method),
        index.key_list(),
    )
}

fn cost(plan: &Value) -> Result<Cost, Fault> {
    let parsed = Plan::parse(plan).ok();
    parsed
        .and_then(|plan| plan.cost_of_work())
        .map(Cost)
        .ok_or_else(|| Fault::Unreadable("EXPLAIN returned no cost".to_owned()))
}

/// Whether a node of the plan scans the index.
fn uses_index(plan: &Value, name: &str) -> bool {
    match plan {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            (field == "Index Name" && value.as_str() == Some(name)) || uses_index(value, name)
        }),
        Value::Array(items) => items.iter().any(|item| uses_index(item, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::QualifiedName;

    #[test]
    fn commands_name_table_keys_and_predicate() {
        let mut index = IndexDefinition::btree(
            &QualifiedName::new("Sales", "order"),
            ["customer_id", "Mixed"],
        );
        assert_eq!(
            command(&index),
            "CREATE INDEX ON \"Sales\".\"order\" USING btree (customer_id, \"Mixed\")"
        );
        index.include = vec!["total".to_owned()];
        index.predicate = Some("status = 'new'".to_owned());
        assert!(command(&index).ends_with(" INCLUDE (total) WHERE status = 'new'"));
    }

    #[test]
    fn indexes_are_found_anywhere_in_a_plan() {
        let plan = serde_json::json!({"Plan": {"Node Type": "Limit", "Plans": [
            {"Node Type": "Bitmap Heap Scan", "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "<1>btree_t_a"}]}]}});
        assert!(uses_index(&plan, "<1>btree_t_a"));
        assert!(!uses_index(&plan, "<2>btree_t_b"));
    }
}
