//! An open connection: its client, how to cancel on it, how to get another to the same server, why it broke.

use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_postgres::error::Severity;
use tokio_postgres::{CancelToken, Client, Connection, NoTls, Socket};

use super::PasswordPrompt;
use super::attempt::{self, Connected, Encryption, Endpoint};
use super::error::{Attempt, ConnectError};
use super::failure::Failure;
use super::resolve::{Plan, Resolved};
use super::secret::Password;
use super::settings::TargetSession;

/// How long the reason of a broken connection may take to arrive after its effect.
const REASON_GRACE: Duration = Duration::from_secs(1);

/// The background task that moves the connection's bytes, and how it ended.
#[derive(Debug, Clone)]
pub(super) struct Link {
    ended: watch::Receiver<Option<Ending>>,
}

/// How a connection ended.
#[derive(Debug, Clone)]
enum Ending {
    /// The client hung up.
    Closed,
    /// It broke, for this reason.
    Broken(String),
}

impl Link {
    /// Drives the connection until it ends; it ends when its client is dropped.
    pub(super) fn drive<T>(connection: Connection<Socket, T>) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, ended) = watch::channel(None);
        tokio::spawn(async move {
            let ending = match connection.await {
                Ok(()) => Ending::Closed,
                Err(error) => Ending::Broken(reason(&error)),
            };
            sender.send_replace(Some(ending));
        });
        Self { ended }
    }
}

/// The server's message, else the innermost cause.
fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    match Failure::from_client(error) {
        Failure::Closed => "it ended without a word; what does the server's log say?".to_owned(),
        Failure::Network(reason) | Failure::Protocol(reason) => reason,
        _ => error.to_string(),
    }
}

/// A connection to a server. Dropping it closes the connection.
pub struct Session {
    /// The client that runs statements.
    pub client: Client,
    link: Link,
    plan: Arc<Plan>,
    endpoint: Endpoint,
    encryption: Encryption,
}

/// The connection is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection to {target} was lost: {reason}")]
pub struct ConnectionLost {
    /// `database @ host:port`.
    pub target: String,
    /// What the server or the network said.
    pub reason: String,
}

impl Resolved {
    /// Connects to the first host that answers and fits. May be called any number of times; a password that the user
    /// typed is kept for the next.
    ///
    /// Sends nothing but startup parameters, and one query when `target_session_attrs` asks for a kind of server.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Failed`] with every attempt; [`ConnectError::Prompt`] when the password cannot be read.
    pub async fn connect(&self) -> Result<Session, ConnectError> {
        let plan = &self.plan;
        let attempts = match attempt::connect_any(plan).await {
            Ok(connected) => return Ok(Session::new(plan, connected)),
            Err(attempts) => attempts,
        };
        let asked = attempts
            .last()
            .is_some_and(|attempt| attempt.failure == Failure::PasswordNeeded);
        if !asked || plan.prompt == PasswordPrompt::Never || !std::io::stdin().is_terminal() {
            return Err(plan.failed(attempts));
        }
        let Some(password) = ask_password(&plan.user).await? else {
            return Err(plan.failed(attempts));
        };
        // A second password typed at the same time by a concurrent connect is the same one.
        let _ = plan.typed.set(password);
        match attempt::connect_any(plan).await {
            Ok(connected) => Ok(Session::new(plan, connected)),
            Err(attempts) => Err(plan.failed(attempts)),
        }
    }
}

async fn ask_password(user: &str) -> Result<Option<Password>, ConnectError> {
    let prompt = format!("Password for user {user}: ");
    let unreadable = |reason: String| ConnectError::Prompt { reason };
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt))
        .await
        .map_err(|error| unreadable(error.to_string()))?
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(Password::new(typed))
}

impl Plan {
    fn failed(&self, attempts: Vec<Attempt>) -> ConnectError {
        ConnectError::Failed {
            user: self.user.clone(),
            database: self.database.clone(),
            attempts,
        }
    }
}

impl Session {
    fn new(plan: &Arc<Plan>, connected: Connected) -> Self {
        Self {
            client: connected.client,
            link: connected.link,
            plan: Arc::clone(plan),
            endpoint: connected.endpoint,
            encryption: connected.encryption,
        }
    }

    /// The target as people write it: `shop @ db.staging:5432`.
    pub fn target(&self) -> String {
        let host = &self.endpoint.host;
        format!(
            "{} @ {}",
            self.plan.database,
            host.place.endpoint(host.port)
        )
    }

    /// The role connected as.
    pub fn role(&self) -> &str {
        &self.plan.user
    }

    /// The database connected to.
    pub fn database(&self) -> &str {
        &self.plan.database
    }

    /// Another connection to the same server at the same address, with the same encryption and password.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Failed`] with the one attempt.
    pub async fn reconnect(&self) -> Result<Self, ConnectError> {
        let target = match self.plan.target {
            TargetSession::PreferStandby => TargetSession::Any,
            target => target,
        };
        let encryption = self.encryption.clone();
        attempt::connect_with(&self.plan, &self.endpoint, encryption, target)
            .await
            .map(|connected| Self::new(&self.plan, connected))
            .map_err(|failure| {
                let host = &self.endpoint.host;
                let endpoint = host.place.endpoint(host.port);
                self.plan.failed(vec![host.failed(endpoint, failure)])
            })
    }

    /// A handle that cancels what this session runs; it can be sent to another task and outlive the session.
    pub fn canceller(&self) -> Canceller {
        Canceller {
            token: self.client.cancel_token(),
            encryption: self.encryption.clone(),
            target: self.target(),
        }
    }

    /// Why the connection is gone, if an error of the client means that it is; waits a moment for the server's last
    /// words. `None` when only the statement failed.
    pub async fn lost(&self, error: &tokio_postgres::Error) -> Option<ConnectionLost> {
        let reason = match error.as_db_error() {
            Some(refusal) => match refusal.parsed_severity() {
                Some(Severity::Fatal | Severity::Panic) => refusal.message().to_owned(),
                _ => return None,
            },
            None if error.is_closed() || self.client.is_closed() => self.ending().await,
            None => return None,
        };
        Some(ConnectionLost {
            target: self.target(),
            reason,
        })
    }

    async fn ending(&self) -> String {
        let mut ended = self.link.ended.clone();
        let ending = tokio::time::timeout(REASON_GRACE, ended.wait_for(Option::is_some)).await;
        let ending = ending
            .ok()
            .and_then(Result::ok)
            .and_then(|ending| ending.clone());
        match ending {
            Some(Ending::Broken(reason)) => reason,
            Some(Ending::Closed) | None => "the server closed it".to_owned(),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.target())
            .field("role", &self.role())
            .finish_non_exhaustive()
    }
}

/// Cancels the running statement of one session, over the same kind of connection.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    encryption: Encryption,
    target: String,
}

impl Canceller {
    /// Asks the server to cancel. Success means that it was asked; a statement that has just ended is not affected.
    ///
    /// # Errors
    ///
    /// [`ConnectionLost`] when the server could not be reached.
    pub async fn cancel(&self) -> Result<(), ConnectionLost> {
        let sent = match &self.encryption {
            Encryption::Plain => self.token.cancel_query(NoTls).await,
            Encryption::IfOffered(tls) | Encryption::Required(tls) => {
                self.token.cancel_query(tls.clone()).await
            }
        };
        sent.map_err(|error| ConnectionLost {
            target: self.target.clone(),
            reason: reason(&error),
        })
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
