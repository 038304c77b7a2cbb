//! From arguments and environment to what is to be connected to: libpq's precedence and defaults.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::environment::Environment;
use super::invalid::InvalidParameters;
use super::keyword::{Given, Keyword, Origin, Parameters};
use super::passfile::{PassFile, Wanted};
use super::secret::Password;
use super::settings::{self, HostOrder, Place, TargetSession, given, text};
use super::tls::TlsSettings;
use super::{ConnectArgs, ConnectError, PasswordPrompt, conninfo, service, uri};

/// PostgreSQL's port (`DEF_PGPORT`).
const DEFAULT_PORT: u16 = 5432;

/// A target, complete: connecting needs nothing but the network and the TLS files.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub(super) plan: Arc<Plan>,
    warnings: Vec<String>,
}

impl Resolved {
    /// The role to connect as.
    pub fn user(&self) -> &str {
        &self.plan.user
    }

    /// The database to connect to.
    pub fn database(&self) -> &str {
        &self.plan.database
    }

    /// What the user should hear about: a password file that is not used because others can read it, a root
    /// certificate that is not there. Each is one line and holds no password.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// What every attempt to connect shares.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) user: String,
    pub(super) database: String,
    pub(super) hosts: Vec<Host>,
    pub(super) order: HostOrder,
    pub(super) target: TargetSession,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) channel_binding: ChannelBinding,
    pub(super) tls: TlsSettings,
    pub(super) prompt: PasswordPrompt,
    /// What the user typed when the server asked; kept for the connections that follow.
    pub(super) typed: OnceLock<Password>,
}

/// One server of the list.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) password: Option<Supplied>,
}

/// A password and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Supplied {
    pub(super) password: Password,
    /// For the error when the server rejects it, such as `the environment variable PGPASSWORD`.
    pub(super) source: String,
}

/// Works out what to connect to: argument before service file before environment before default, and a connection
/// string before the other arguments, as in psql.
///
/// # Errors
///
/// [`ConnectError::Invalid`] when a parameter is unknown, malformed, contradictory or cannot be honoured.
pub fn resolve(args: &ConnectArgs, environment: &Environment) -> Result<Resolved, ConnectError> {
    let parameters = gather(args, environment)?;
    settings::refuse_unsupported(&parameters)?;
    let user = match text(&parameters, Keyword::User) {
        Some(user) => user.to_owned(),
        None => environment
            .system_user
            .clone()
            .ok_or(InvalidParameters::NoUser)?,
    };
    let database = text(&parameters, Keyword::DbName)
        .unwrap_or(&user)
        .to_owned();
    let mut warnings = Vec::new();
    let mut hosts = hosts(&parameters, environment)?;
    supply_passwords(
        &mut hosts,
        &parameters,
        environment,
        &user,
        &database,
        &mut warnings,
    );
    let tls = settings::tls(&parameters, environment)?;
    warnings.extend(tls.warning());
    let plan = Plan {
        hosts,
        order: settings::host_order(&parameters)?,
        target: settings::target_session(&parameters)?,
        options: text(&parameters, Keyword::Options).map(str::to_owned),
        application_name: text(&parameters, Keyword::ApplicationName)
            .or_else(|| text(&parameters, Keyword::FallbackApplicationName))
            .unwrap_or("pgtriage")
            .to_owned(),
        connect_timeout: settings::connect_timeout(&parameters)?,
        channel_binding: settings::channel_binding(&parameters)?,
        tls,
        prompt: args.prompt,
        typed: OnceLock::new(),
        user,
        database,
    };
    Ok(Resolved {
        plan: Arc::new(plan),
        warnings,
    })
}

/// Every parameter that any source gives.
fn gather(args: &ConnectArgs, environment: &Environment) -> Result<Parameters, InvalidParameters> {
    let mut parameters = arguments(args)?;
    service::apply(&mut parameters, environment)?;
    for keyword in Keyword::ALL.iter().copied() {
        let Some(variable) = keyword.variable() else {
            continue;
        };
        let Some(value) = environment.variable(variable) else {
            continue;
        };
        parameters.entry(keyword).or_insert_with(|| Given {
            value: value.to_owned(),
            origin: Origin::Variable(variable),
        });
    }
    Ok(parameters)
}

fn arguments(args: &ConnectArgs) -> Result<Parameters, InvalidParameters> {
    let mut parameters = Parameters::new();
    let flags = [
        (Keyword::Host, "-h", &args.host),
        (Keyword::Port, "-p", &args.port),
        (Keyword::User, "-U", &args.user),
    ];
    for (keyword, flag, value) in flags {
        // An empty argument is as good as none (`conninfo_array_parse`).
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            let origin = Origin::Flag(flag);
            let value = value.to_owned();
            parameters.insert(keyword, Given { value, origin });
        }
    }
    let (target, flag) = match (&args.target, &args.dbname) {
        (Some(_), Some(_)) => return Err(InvalidParameters::TwoTargets),
        (Some(target), None) => (target, "DBNAME"),
        (None, Some(target)) => (target, "-d"),
        (None, None) => return Ok(parameters),
    };
    if is_foreign_uri(target) {
        return Err(InvalidParameters::Malformed {
            what: "URI",
            problem: "it does not begin with postgresql:// or postgres://".to_owned(),
        });
    }
    if conninfo::is_connection_string(target) {
        // A connection string is pasted: the line feed at its end is not part of the last value.
        parameters.extend(conninfo::parse(
            target.trim_end_matches(conninfo::is_space),
        )?);
    } else if !target.is_empty() {
        let value = target.clone();
        let origin = Origin::Flag(flag);
        parameters.insert(Keyword::DbName, Given { value, origin });
    }
    Ok(parameters)
}

/// A URI of another scheme, or one with a slip in its scheme. libpq takes it for the name of a database, and errors
/// would print it with its password.
fn is_foreign_uri(target: &str) -> bool {
    let scheme = target.split(['/', '@', '=', ' ', '\'']).next();
    let has_scheme = scheme.is_some_and(|scheme| scheme.contains(':'));
    has_scheme && !uri::is_uri(target) && (target.contains("://") || target.contains('@'))
}

/// The elements of a comma-separated parameter; none when it is absent or empty.
fn list(parameters: &Parameters, keyword: Keyword) -> Vec<&str> {
    text(parameters, keyword).map_or_else(Vec::new, |text| text.split(',').collect())
}

fn hosts(
    parameters: &Parameters,
    environment: &Environment,
) -> Result<Vec<Host>, InvalidParameters> {
    let names = list(parameters, Keyword::Host);
    let addresses = list(parameters, Keyword::HostAddr);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(InvalidParameters::Contradiction(format!(
            "{} in host and {} in hostaddr do not match; give as many of each",
            names.len(),
            addresses.len()
        )));
    }
    let count = names.len().max(addresses.len()).max(1);
    let ports = ports(parameters, count)?;
    ports
        .into_iter()
        .enumerate()
        .map(|(index, port)| {
            let name = names.get(index).copied().unwrap_or_default();
            let address = addresses.get(index).copied().unwrap_or_default();
            Ok(Host {
                place: place(name, address, port, parameters, environment)?,
                port,
                password: None,
            })
        })
        .collect()
}

fn ports(parameters: &Parameters, count: usize) -> Result<Vec<u16>, InvalidParameters> {
    let Some(given) = given(parameters, Keyword::Port) else {
        return Ok(vec![DEFAULT_PORT; count]);
    };
    let ports = given
        .value
        .split(',')
        .map(|port| match port.trim() {
            "" => Ok(DEFAULT_PORT),
            digits => digits.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                let expected = "a number from 1 to 65535";
                InvalidParameters::value(Keyword::Port, port, &given.origin, expected)
            }),
        })
        .collect::<Result<Vec<u16>, _>>()?;
    match ports.as_slice() {
        [port] => Ok(vec![*port; count]),
        _ if ports.len() == count => Ok(ports),
        _ => Err(InvalidParameters::Contradiction(format!(
            "{} ports do not match {count} hosts; give one port, or one for each host",
            ports.len()
        ))),
    }
}

fn place(
    name: &str,
    address: &str,
    port: u16,
    parameters: &Parameters,
    environment: &Environment,
) -> Result<Place, InvalidParameters> {
    if !address.is_empty() {
        return Ok(Place::Tcp {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: Some(ip_address(address, parameters)?),
        });
    }
    if name.starts_with('@') {
        return Err(InvalidParameters::Contradiction(
            "sockets in the abstract namespace (host=@…) are not supported; use a socket directory or a host name"
                .to_owned(),
        ));
    }
    if name.starts_with('/') {
        return Ok(Place::Socket(PathBuf::from(name)));
    }
    if !name.is_empty() {
        return Ok(Place::Tcp {
            name: Some(name.to_owned()),
            address: None,
        });
    }
    Ok(default_place(port, environment))
}

fn ip_address(address: &str, parameters: &Parameters) -> Result<IpAddr, InvalidParameters> {
    address
        .parse()
        .map_err(|_| match given(parameters, Keyword::HostAddr) {
            Some(given) => {
                let expected = "an IP address (a name goes into host)";
                InvalidParameters::value(Keyword::HostAddr, address, &given.origin, expected)
            }
            None => InvalidParameters::Contradiction("hostaddr takes an IP address".to_owned()),
        })
}

/// The first socket directory with a server's socket in it, else this machine over TCP.
fn default_place(port: u16, environment: &Environment) -> Place {
    let socket = format!(".s.PGSQL.{port}");
    environment
        .socket_dirs
        .iter()
        .find(|directory| directory.join(&socket).exists())
        .map_or_else(
            || Place::Tcp {
                name: Some("localhost".to_owned()),
                address: None,
            },
            |directory| Place::Socket(directory.clone()),
        )
}

/// The password given, else for each host the one in the password file.
fn supply_passwords(
    hosts: &mut [Host],
    parameters: &Parameters,
    environment: &Environment,
    user: &str,
    database: &str,
    warnings: &mut Vec<String>,
) {
    if let Some(given) = given(parameters, Keyword::Password) {
        let supplied = Password::new(given.value.clone()).map(|password| Supplied {
            password,
            source: given.origin.to_string(),
        });
        for host in hosts {
            host.password.clone_from(&supplied);
        }
        return;
    }
    let path = text(parameters, Keyword::PassFile)
        .map(PathBuf::from)
        .or_else(|| environment.home.as_ref().map(|home| home.join(".pgpass")));
    let Some(path) = path else {
        return;
    };
    let (file, warning) = PassFile::read(&path);
    warnings.extend(warning);
    for host in hosts {
        let name = host.place.name();
        let wanted = Wanted {
            host: &name,
            port: host.port,
            database,
            user,
        };
        host.password = file.find(&wanted).map(|password| Supplied {
            password,
            source: format!("the password file {}", path.display()),
        });
    }
}

impl Place {
    /// The host name, else the address or the socket directory.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tcp {
                name: Some(name), ..
            } => name.clone(),
            Self::Tcp {
                address: Some(address),
                ..
            } => address.to_string(),
            Self::Tcp { .. } => "localhost".to_owned(),
            Self::Socket(directory) => directory.display().to_string(),
        }
    }

    /// The place with its port as the user would write it: `db:5432`, `[::1]:5432`, `/run/x/.s.PGSQL.5432`.
    pub(super) fn endpoint(&self, port: u16) -> String {
        let name = self.name();
        match self {
            Self::Socket(_) => format!("{}/.s.PGSQL.{port}", name.trim_end_matches('/')),
            Self::Tcp { .. } if name.contains(':') => format!("[{name}]:{port}"),
            Self::Tcp { .. } => format!("{name}:{port}"),
        }
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
