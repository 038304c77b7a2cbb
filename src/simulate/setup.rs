//! Makes the schema and sets the planner.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::schema::{Schema, Script};
use super::{SimulationError, failed, message, quoted_list};
use crate::snapshot::Snapshot;
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::script::commands;

const BEGIN_SCRIPT: &str = query!("simulate_script.sql");
const CREATE_ROLE: &str = query!("simulate_role.sql");
const SET_PATH: &str = query!("simulate_path.sql");
const SETTINGS: &str = query!("simulate_settings.sql");

/// What no plan depends on, and what would reach beyond the database.
const LEFT_OUT: [&[&str]; 14] = [
    &["alter", "database"],
    &["alter", "default", "privileges"],
    &["alter", "subscription"],
    &["comment"],
    &["create", "database"],
    &["create", "subscription"],
    &["create", "tablespace"],
    &["drop", "database"],
    &["drop", "owned"],
    &["drop", "role"],
    &["grant"],
    &["reassign"],
    &["revoke"],
    &["security", "label"],
];

/// What most plans do without: that it fails is a caveat.
const DISPENSABLE: [&[&str]; 18] = [
    &["alter", "event"],
    &["alter", "extension"],
    &["alter", "role"],
    &["create", "event"],
    &["create", "extension"],
    &["create", "foreign", "data"],
    &["create", "function"],
    &["create", "language"],
    &["create", "or", "replace", "function"],
    &["create", "or", "replace", "procedure"],
    &["create", "or", "replace", "trigger"],
    &["create", "procedure"],
    &["create", "publication"],
    &["create", "role"],
    &["create", "trigger"],
    &["create", "user"],
    &["reset"],
    &["set"],
];

/// Runs the scripts of a schema, statement by statement, and returns the caveats. Takes the connection, because scripts
/// change its settings.
pub(super) async fn run(client: Client, schema: &Schema) -> Result<Vec<String>, SimulationError> {
    let mut caveats = Vec::new();
    for script in &schema.scripts {
        let begun = client.batch_execute(BEGIN_SCRIPT).await;
        begun.map_err(|error| failed("begin a script", &error))?;
        for (line, text) in commands(&script.text) {
            let statement = Statement { line, text };
            run_one(&client, script, &statement, &mut caveats).await?;
        }
    }
    Ok(caveats)
}

/// A statement of a script.
struct Statement<'a> {
    /// The line of its first word.
    line: u32,
    text: &'a str,
}

impl Statement<'_> {
    /// Its first words in lower case, which say what it is.
    fn head(&self, words: usize) -> Vec<String> {
        let names = tokens(self.text).filter(|token| token.kind == TokenKind::Word);
        names
            .take(words)
            .map(|token| token.text.to_ascii_lowercase())
            .collect()
    }
}

async fn run_one(
    client: &Client,
    script: &Script,
    statement: &Statement<'_>,
    caveats: &mut Vec<String>,
) -> Result<(), SimulationError> {
    let head = statement.head(4);
    if is_one_of(&head, &LEFT_OUT) || changes_owner(statement) {
        return Ok(());
    }
    let Err(error) = with_roles(client, statement.text).await else {
        return Ok(());
    };
    let place = format!("{}:{}", script.name, statement.line);
    let reason = message(&error);
    if client.is_closed() {
        return Err(failed("run the schema", &error));
    }
    // Dumps make the schema public, too, where its owner was changed.
    if error.code() == Some(&SqlState::DUPLICATE_SCHEMA) {
        return Ok(());
    }
    if is_one_of(&head, &DISPENSABLE) {
        if !is_setting_of_another_version(&error) {
            caveats.push(format!("{place} is left out: {reason}"));
        }
        return Ok(());
    }
    let behind = caveats.first().map(|first| format!("; before it, {first}"));
    Err(SimulationError::Statement {
        script: script.name.clone(),
        line: statement.line,
        message: reason + &behind.unwrap_or_default(),
    })
}

/// Everything belongs to the role that plans, so that the guard trusts it.
fn changes_owner(statement: &Statement<'_>) -> bool {
    let words = statement.head(usize::MAX);
    words.first().is_some_and(|first| first == "alter")
        && words.windows(2).any(|pair| pair == ["owner", "to"])
}

fn is_one_of(head: &[String], kinds: &[&[&str]]) -> bool {
    kinds.iter().any(|kind| {
        head.len() >= kind.len()
            && head
                .iter()
                .zip(*kind)
                .all(|(word, expected)| word == expected)
    })
}

/// Dumps of a newer version set what an older one does not know.
fn is_setting_of_another_version(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::UNDEFINED_OBJECT)
        && message(error).contains("configuration parameter")
}

/// Runs a statement, and makes the roles that it mentions: they live outside of databases, so no dump makes them.
async fn with_roles(client: &Client, sql: &str) -> Result<(), tokio_postgres::Error> {
    let mut made = BTreeSet::new();
    loop {
        let Err(error) = client.batch_execute(sql).await else {
            return Ok(());
        };
        let Some(role) = missing_role(&error).filter(|role| made.insert(role.clone())) else {
            return Err(error);
        };
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        client
            .batch_execute(&CREATE_ROLE.replace(":name", &quoted))
            .await?;
    }
}

/// The throwaway server speaks English.
fn missing_role(error: &tokio_postgres::Error) -> Option<String> {
    let db = error.as_db_error()?;
    let name = db.message().strip_prefix("role \"")?;
    let name = name.strip_suffix("\" does not exist")?;
    (*db.code() == SqlState::UNDEFINED_OBJECT).then(|| name.to_owned())
}

/// Sets the planner as it was captured, and the path that names are looked up in.
pub(super) async fn set_planner(
    client: &Client,
    capture: &Snapshot,
) -> Result<(), SimulationError> {
    let failed = |error| failed("set the planner", &error);
    let names: Vec<&str> = capture.settings.keys().map(String::as_str).collect();
    let values = capture.settings.values();
    let values: Vec<&str> = values.map(|setting| setting.value.as_str()).collect();
    let rows = client.query(SETTINGS, &[&names, &values]).await;
    for row in rows.map_err(failed)? {
        let statement: String = row.try_get("statement").map_err(failed)?;
        client.batch_execute(&statement).await.map_err(failed)?;
    }
    let path: Vec<String> = capture.role.search_path.clone();
    if path.is_empty() {
        return Ok(());
    }
    let sql = SET_PATH.replace("{path}", &quoted_list(&path).replace('\'', "''"));
    client.batch_execute(&sql).await.map_err(failed)
}
