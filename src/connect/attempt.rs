//! One attempt at one address, with libpq's changes of mind about TLS; and the walk over hosts and addresses.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::config::{SslMode as ClientTls, SslNegotiation};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Attempt;
use super::failure::{Failure, Next};
use super::resolve::{Host, Plan};
use super::session::Link;
use super::settings::{HostOrder, Place, TargetSession};
use super::tls::{Negotiation, SslMode};

const SESSION_KIND: &str = query!("session_kind.sql");

/// A server at one address: what a session goes back to when it needs another connection.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) host: Host,
    /// The address found for the name; `None` for sockets.
    pub(super) address: Option<IpAddr>,
}

/// Whether and how TLS is asked for in one attempt.
#[derive(Clone)]
pub(super) enum Encryption {
    /// Not at all.
    Plain,
    /// If the server offers it.
    IfOffered(MakeRustlsConnect),
    /// Else there is no connection.
    Required(MakeRustlsConnect),
}

/// A connection that was made.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) link: Link,
    pub(super) endpoint: Endpoint,
    pub(super) encryption: Encryption,
}

/// Tries every host and address in order.
pub(super) async fn connect_any(plan: &Plan) -> Result<Connected, Vec<Attempt>> {
    if plan.target != TargetSession::PreferStandby {
        return walk(plan, plan.target).await;
    }
    match walk(plan, TargetSession::Standby).await {
        Err(attempts)
            if attempts
                .iter()
                .any(|attempt| matches!(attempt.failure, Failure::WrongSession(_))) =>
        {
            walk(plan, TargetSession::Any).await
        }
        result => result,
    }
}

async fn walk(plan: &Plan, target: TargetSession) -> Result<Connected, Vec<Attempt>> {
    let mut hosts: Vec<&Host> = plan.hosts.iter().collect();
    arrange(&mut hosts, plan.order);
    let mut attempts = Vec::new();
    for host in hosts {
        let endpoints = match endpoints(host, plan).await {
            Ok(endpoints) => endpoints,
            Err(failure) => {
                attempts.push(host.failed(host.place.endpoint(host.port), failure));
                continue;
            }
        };
        let ambiguous = endpoints.len() > 1;
        for endpoint in endpoints {
            let shown = endpoint.shown(ambiguous);
            match connect_endpoint(plan, &endpoint, target).await {
                Ok(connected) => return Ok(connected),
                Err(failure) => {
                    let next = failure.next();
                    attempts.push(host.failed(shown, failure));
                    if next == Next::Stop {
                        return Err(attempts);
                    }
                }
            }
        }
    }
    Err(attempts)
}

/// Connects to one address, falling back from TLS to none (`prefer`) or the other way (`allow`) when the server
/// refuses.
pub(super) async fn connect_endpoint(
    plan: &Plan,
    endpoint: &Endpoint,
    target: TargetSession,
) -> Result<Connected, Failure> {
    let (encryptions, mut worst) = encryptions(plan, endpoint);
    for encryption in encryptions {
        match connect_with(plan, endpoint, encryption, target).await {
            Ok(connected) => return Ok(connected),
            Err(failure @ (Failure::Server(_) | Failure::Tls(_) | Failure::Closed)) => {
                worst = Some(telling(worst, failure));
            }
            // Another encryption would not help.
            Err(failure) => return Err(failure),
        }
    }
    Err(worst.unwrap_or(Failure::Closed))
}

/// Of the failures with and without TLS, the one to show: a wrong password is wrong either way, whereas a refusal by
/// `pg_hba.conf` hides what the other attempt found.
fn telling(first: Option<Failure>, second: Failure) -> Failure {
    match (first, second) {
        (Some(Failure::Server(first)), Failure::Tls(_)) if !first.is_not_admitted() => {
            Failure::Server(first)
        }
        (Some(first), Failure::Closed) => first,
        (Some(Failure::Server(first)), Failure::Server(second)) if second.is_not_admitted() => {
            Failure::Server(first)
        }
        (Some(Failure::Tls(tls)), Failure::Server(refusal)) if refusal.is_not_admitted() => {
            Failure::Tls(tls)
        }
        (_, second) => second,
    }
}

/// The encryptions to try in order, and why TLS is not among them if it should be.
fn encryptions(plan: &Plan, endpoint: &Endpoint) -> (Vec<Encryption>, Option<Failure>) {
    use Encryption::{IfOffered, Plain, Required};
    let Place::Tcp { name, .. } = &endpoint.host.place else {
        return (vec![Plain], None);
    };
    if plan.tls.mode == SslMode::Disable {
        return (vec![Plain], None);
    }
    match (plan.tls.mode, plan.tls.connector(name.as_deref())) {
        (SslMode::Prefer, Ok(tls)) => (vec![IfOffered(tls), Plain], None),
        (SslMode::Allow, Ok(tls)) => (vec![Plain, IfOffered(tls)], None),
        (_, Ok(tls)) => (vec![Required(tls)], None),
        (SslMode::Prefer | SslMode::Allow, Err(failure)) => {
            (vec![Plain], Some(Failure::Tls(failure)))
        }
        (_, Err(failure)) => (Vec::new(), Some(Failure::Tls(failure))),
    }
}

/// One attempt. `connect_timeout` covers all of it, from the socket to the end of authentication.
pub(super) async fn connect_with(
    plan: &Plan,
    endpoint: &Endpoint,
    encryption: Encryption,
    target: TargetSession,
) -> Result<Connected, Failure> {
    let attempt = async {
        let mut config = config(plan, endpoint);
        let (client, link) = match &encryption {
            Encryption::Plain => open(config.ssl_mode(ClientTls::Disable), NoTls).await,
            Encryption::IfOffered(tls) => {
                open(config.ssl_mode(ClientTls::Prefer), tls.clone()).await
            }
            Encryption::Required(tls) => {
                open(config.ssl_mode(ClientTls::Require), tls.clone()).await
            }
        }
        .map_err(|error| Failure::from_client(&error))?;
        check_session(&client, target).await?;
        Ok((client, link))
    };
    let (client, link) = within(plan.connect_timeout, attempt).await?;
    Ok(Connected {
        client,
        link,
        endpoint: endpoint.clone(),
        encryption,
    })
}

async fn within<T>(
    limit: Option<Duration>,
    attempt: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else {
        return attempt.await;
    };
    tokio::time::timeout(limit, attempt)
        .await
        .unwrap_or(Err(Failure::TimedOut(Some(limit))))
}

async fn open<T>(config: &Config, tls: T) -> Result<(Client, Link), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    Ok((client, Link::drive(connection)))
}

fn config(plan: &Plan, endpoint: &Endpoint) -> Config {
    let mut config = Config::new();
    config
        .user(&plan.user)
        .dbname(&plan.database)
        .application_name(&plan.application_name)
        .channel_binding(plan.channel_binding)
        .port(endpoint.host.port)
        .ssl_negotiation(match plan.tls.negotiation {
            Negotiation::Postgres => SslNegotiation::Postgres,
            Negotiation::Direct => SslNegotiation::Direct,
        });
    if let Some(options) = &plan.options {
        config.options(options);
    }
    match &endpoint.host.place {
        Place::Socket(directory) => {
            config.host_path(directory);
        }
        Place::Tcp { .. } => {
            config.host(endpoint.host.place.name());
        }
    }
    if let Some(address) = endpoint.address {
        config.hostaddr(address);
    }
    let supplied = endpoint
        .host
        .password
        .as_ref()
        .map(|supplied| &supplied.password);
    if let Some(password) = supplied.or_else(|| plan.typed.get()) {
        config.password(password.expose());
    }
    config
}

async fn check_session(client: &Client, target: TargetSession) -> Result<(), Failure> {
    if target == TargetSession::Any {
        return Ok(());
    }
    let messages = client
        .simple_query(SESSION_KIND)
        .await
        .map_err(|error| Failure::from_client(&error))?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let flag =
        |name| row.and_then(|row| row.try_get(name).ok().flatten().map(|value| value == "t"));
    let (Some(in_recovery), Some(read_only)) = (flag("in_recovery"), flag("read_only")) else {
        return Err(Failure::Protocol(
            "the server does not say whether it is in recovery; use target_session_attrs=any"
                .to_owned(),
        ));
    };
    let fits = match target {
        TargetSession::Any | TargetSession::PreferStandby => true,
        TargetSession::ReadWrite => !in_recovery && !read_only,
        TargetSession::ReadOnly => in_recovery || read_only,
        TargetSession::Primary => !in_recovery,
        TargetSession::Standby => in_recovery,
    };
    if fits {
        Ok(())
    } else {
        Err(Failure::WrongSession(target.name()))
    }
}

async fn endpoints(host: &Host, plan: &Plan) -> Result<Vec<Endpoint>, Failure> {
    let at = |address| Endpoint {
        host: host.clone(),
        address,
    };
    let name = match &host.place {
        Place::Socket(_) => return Ok(vec![at(None)]),
        Place::Tcp {
            address: Some(address),
            ..
        } => return Ok(vec![at(Some(*address))]),
        Place::Tcp { .. } => host.place.name(),
    };
    let lookup = async {
        tokio::net::lookup_host((name.as_str(), host.port))
            .await
            .map_err(|error| Failure::UnknownHost(error.to_string()))
    };
    let mut addresses: Vec<IpAddr> = Vec::new();
    for found in within(plan.connect_timeout, lookup).await? {
        if !addresses.contains(&found.ip()) {
            addresses.push(found.ip());
        }
    }
    if addresses.is_empty() {
        return Err(Failure::UnknownHost("it has no address".to_owned()));
    }
    arrange(&mut addresses, plan.order);
    Ok(addresses
        .into_iter()
        .map(|address| at(Some(address)))
        .collect())
}

/// Shuffles when `load_balance_hosts=random` (Fisher and Yates, with the hasher's random keys as the source).
fn arrange<T>(items: &mut [T], order: HostOrder) {
    if order == HostOrder::AsGiven {
        return;
    }
    for unplaced in (2..=items.len()).rev() {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(unplaced);
        let bound = u64::try_from(unplaced).unwrap_or(u64::MAX);
        let chosen = usize::try_from(hasher.finish() % bound).unwrap_or_default();
        items.swap(unplaced - 1, chosen);
    }
}

impl Endpoint {
    fn shown(&self, ambiguous: bool) -> String {
        let endpoint = self.host.place.endpoint(self.host.port);
        match (self.address, &self.host.place) {
            (
                Some(address),
                Place::Tcp {
                    name: Some(name), ..
                },
            ) if ambiguous && address.to_string() != *name => {
                format!("{endpoint} ({address})")
            }
            _ => endpoint,
        }
    }
}

impl Host {
    pub(super) fn failed(&self, endpoint: String, failure: Failure) -> Attempt {
        let rejected = matches!(&failure, Failure::Server(refusal) if refusal.is_wrong_password());
        Attempt {
            endpoint,
            password_source: self
                .password
                .as_ref()
                .filter(|_| rejected)
                .map(|supplied| supplied.source.clone()),
            failure,
        }
    }
}
