//! What surrounds the process and decides where to connect: a value, so that tests can state it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The `PG*` variables, the home directory and the system user, as libpq would find them.
#[derive(Clone, Default)]
pub struct Environment {
    /// Environment variables by name; only those that libpq reads matter.
    pub variables: BTreeMap<String, String>,
    /// The home directory: `~/.pgpass`, `~/.pg_service.conf` and `~/.postgresql/` are looked for there.
    pub home: Option<PathBuf>,
    /// The name of the operating system user, the default role.
    pub system_user: Option<String>,
    /// The directories in which a server's socket is looked for when no host is given, in order.
    pub socket_dirs: Vec<PathBuf>,
    /// The directories in which the system-wide `pg_service.conf` is looked for when `PGSYSCONFDIR` is not set.
    pub config_dirs: Vec<PathBuf>,
}

impl Environment {
    /// What this process sees. The socket directories are those compiled into the libpq of Debian and Red Hat and
    /// into an unmodified one; the configuration directories likewise.
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                name.starts_with("PG")
                    .then(|| (name, value.to_string_lossy().into_owned()))
            })
            .collect();
        Self {
            variables,
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            system_user: whoami::username().ok().filter(|name| !name.is_empty()),
            socket_dirs: ["/var/run/postgresql", "/tmp"].map(PathBuf::from).to_vec(),
            config_dirs: [
                "/etc/postgresql-common",
                "/etc/sysconfig/pgsql",
                "/usr/local/pgsql/etc",
                "/etc",
            ]
            .map(PathBuf::from)
            .to_vec(),
        }
    }

    /// The value of a variable, empty ones included.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("system_user", &self.system_user)
            .field("socket_dirs", &self.socket_dirs)
            .field("config_dirs", &self.config_dirs)
            .finish()
    }
}
