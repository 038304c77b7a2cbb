//! Throwaway clusters: a PostgreSQL server of its own directory, gone when its value is dropped, after a panic, after
//! Ctrl-C and after `kill -9`.
//!
//! A small shell process, the supervisor, owns the directory and the server. It holds the reading end of a pipe whose
//! writing end only this process holds; when that closes, for whatever reason, the supervisor stops the server and
//! removes the directory. Run as root, supervisor and server run as the user `postgres`, or else `nobody`, because the
//! server refuses root.
//!
//! ```no_run
//! use pgtriage::demo::cluster::Cluster;
//!
//! # fn main() -> Result<(), pgtriage::demo::cluster::ClusterError> {
//! let cluster = Cluster::builder().major(15).setting("work_mem", "1MB").start()?;
//! cluster.create_database("shop")?;
//! cluster.execute("shop", "CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int)")?;
//! println!("{}", cluster.uri("shop"));
//! # Ok(())
//! # }
//! ```

mod builder;
mod supervisor;
mod text;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::thread;

use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::binaries::{Binaries, BinariesError};
pub use builder::Builder;
use supervisor::{ServerUser, Supervisor};
use text::{percent_encode, shell_quote};

/// The superuser of every throwaway cluster.
pub const SUPERUSER: &str = "postgres";

const CREATE_DATABASE: &str = query!("demo/create_database.sql");

/// A free TCP port can be taken by another process before the server binds it; so often another one is tried.
const PORT_ATTEMPTS: u32 = 5;

/// What can go wrong with a throwaway cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No usable server binaries.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// Running as root without another user to drop to.
    #[error(
        "PostgreSQL refuses to run as root and neither the user postgres nor nobody exists; run as another user"
    )]
    OnlyRoot,
    /// A file or a process of the cluster could not be made.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, in words.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The server program refused.
    #[error("cannot {action} the throwaway PostgreSQL server in {}: {log}", .directory.display())]
    Server {
        /// `initialize`, `start`, `stop` …
        action: &'static str,
        /// The cluster's directory.
        directory: PathBuf,
        /// The last lines that the server or its tool printed.
        log: String,
    },
    /// A statement given to [`Cluster::execute`] or [`Cluster::query`] failed.
    #[error("{message}")]
    Sql {
        /// The server's message and SQLSTATE, or what became of the connection.
        message: String,
    },
}

/// How `pg_ctl` stops a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Waits for clients to leave.
    Smart,
    /// Disconnects clients, then shuts down cleanly.
    Fast,
    /// Aborts without a clean shutdown; the next start recovers.
    Immediate,
}

impl StopMode {
    const fn name(self) -> &'static str {
        match self {
            Self::Smart => "smart",
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

/// A running throwaway cluster. Dropping it stops the server and removes its directory.
#[derive(Debug)]
pub struct Cluster {
    supervisor: Supervisor,
    binaries: Binaries,
    user: Option<ServerUser>,
    port: u16,
}

impl Cluster {
    /// A cluster with `pg_stat_statements` preloaded, trust authentication, a unix socket and no TCP.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The server's major version.
    pub const fn major(&self) -> u32 {
        self.binaries.major()
    }

    /// The binaries that the server runs from.
    pub const fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The cluster's own directory; data, socket and logs lie in it.
    pub fn directory(&self) -> &Path {
        &self.supervisor.directory
    }

    /// `PGDATA`.
    pub fn data_dir(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// The directory of the unix socket: a `host` for libpq.
    pub fn socket_dir(&self) -> &Path {
        self.directory()
    }

    /// The port, of the socket's name and of TCP.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A URI for the superuser through the socket.
    pub fn uri(&self, database: &str) -> String {
        self.uri_as(SUPERUSER, database)
    }

    /// A URI for a role through the socket.
    pub fn uri_as(&self, role: &str, database: &str) -> String {
        format!(
            "postgresql://{}@/{}?host={}&port={}",
            percent_encode(role),
            percent_encode(database),
            percent_encode(&self.socket_dir().to_string_lossy()),
            self.port
        )
    }

    /// A URI for a role through TCP on 127.0.0.1; needs [`Builder::tcp`].
    pub fn tcp_uri_as(&self, role: &str, database: &str) -> String {
        format!(
            "postgresql://{}@127.0.0.1:{}/{}",
            percent_encode(role),
            self.port,
            percent_encode(database)
        )
    }

    /// How tokio-postgres connects a role through the socket.
    pub fn config(&self, role: &str, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.socket_dir())
            .port(self.port)
            .user(role)
            .dbname(database);
        config
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory().join("server.log")).unwrap_or_default()
    }

    /// Runs statements as the superuser, one after another as psql does with `-c`: a single implicit transaction
    /// unless the text says otherwise. Works inside and outside an async runtime.
    ///
    /// # Errors
    /// [`ClusterError::Sql`].
    pub fn execute(&self, database: &str, sql: &str) -> Result<(), ClusterError> {
        self.query(database, sql).map(|_| ())
    }

    /// As [`Cluster::execute`], and returns the rows of all statements as text; NULL is `None`.
    ///
    /// # Errors
    /// [`ClusterError::Sql`].
    pub fn query(
        &self,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>, ClusterError> {
        self.query_as(SUPERUSER, database, sql)
    }

    /// As [`Cluster::query`], as another role.
    ///
    /// # Errors
    /// [`ClusterError::Sql`].
    pub fn query_as(
        &self,
        role: &str,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>, ClusterError> {
        let config = self.config(role, database);
        // A thread of its own: a runtime cannot be started inside the runtime of a caller that is async.
        thread::scope(|scope| {
            let run = || simple_query(&config, sql);
            let spawned = thread::Builder::new()
                .spawn_scoped(scope, run)
                .map_err(|source| ClusterError::Io {
                    action: "start a thread for a statement".to_owned(),
                    source,
                })?;
            spawned.join().unwrap_or_else(|_| {
                Err(ClusterError::Sql {
                    message: "the thread that ran the statement ended early".to_owned(),
                })
            })
        })
    }

    /// Makes a database.
    ///
    /// # Errors
    /// [`ClusterError::Sql`].
    pub fn create_database(&self, name: &str) -> Result<(), ClusterError> {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        self.execute(SUPERUSER, &CREATE_DATABASE.replace(":name", &quoted))
    }

    /// Does the server's installation hold this extension? (`HypoPG` and others come in packages of their own.)
    pub fn has_extension(&self, name: &str) -> bool {
        self.binaries
            .extension_directory()
            .is_some_and(|directory| directory.join(format!("{name}.control")).is_file())
    }

    /// Stops the server; the directory stays.
    ///
    /// # Errors
    /// [`ClusterError::Server`] where it does not stop within two minutes.
    pub fn stop(&self, mode: StopMode) -> Result<(), ClusterError> {
        let order = format!("stop {}", mode.name());
        self.supervisor.order(&order, "stop")
    }

    /// Starts a stopped or killed server again, on the same port.
    ///
    /// # Errors
    /// [`ClusterError::Server`] with its log.
    pub fn start(&self) -> Result<(), ClusterError> {
        self.supervisor.order("start", "start")
    }

    /// Stops the server cleanly and starts it again, on the same port.
    ///
    /// # Errors
    /// [`ClusterError::Server`] with its log.
    pub fn restart(&self) -> Result<(), ClusterError> {
        self.stop(StopMode::Fast)?;
        self.start()
    }

    /// Ends the server process by `kill -9`, as the kernel does when memory runs out.
    ///
    /// # Errors
    /// [`ClusterError::Server`] where it is not running.
    pub fn kill(&self) -> Result<(), ClusterError> {
        self.supervisor.order("kill", "kill")
    }

    /// Replaces `pg_hba.conf` and makes the server read it (within a moment, as any reload).
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Server`].
    pub fn set_hba(&self, text: &str) -> Result<(), ClusterError> {
        self.write("pg_hba.conf", text.as_bytes())?;
        self.supervisor.order("reload", "reload")
    }

    /// Opens a file of the data directory for reading and writing; one that is missing is made, for the server's user
    /// alone.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn data_file(&self, name: &str) -> Result<fs::File, ClusterError> {
        let path = self.data_dir().join(name);
        if !path.exists() {
            self.write(name, &[])?;
        }
        let opened = fs::File::options().read(true).write(true).open(&path);
        opened.map_err(|source| ClusterError::Io {
            action: format!("open {}", path.display()),
            source,
        })
    }

    /// Leaves the server running when this process ends, and returns the command line that stops and removes it.
    ///
    /// # Errors
    /// [`ClusterError::Server`] where the supervisor is gone.
    pub fn keep(self) -> Result<String, ClusterError> {
        self.supervisor.order("keep", "keep")?;
        let stop = format!(
            "{} -D {} -m fast stop",
            shell_quote(&self.binaries.directory().join("pg_ctl")),
            shell_quote(&self.data_dir())
        );
        let stop = match &self.user {
            Some(user) => format!("runuser -u {} -- {stop}", user.name),
            None => stop,
        };
        Ok(format!(
            "{stop} && rm -rf {}",
            shell_quote(self.directory())
        ))
    }

    fn set_up(
        supervisor: Supervisor,
        binaries: Binaries,
        user: Option<ServerUser>,
        builder: &Builder,
    ) -> Result<Self, ClusterError> {
        supervisor.order("init", "initialize")?;
        let mut cluster = Self {
            supervisor,
            binaries,
            user,
            port: 0,
        };
        cluster.configure(builder)?;
        cluster.start_on_free_port(builder.listen.is_some())?;
        Ok(cluster)
    }

    fn configure(&self, builder: &Builder) -> Result<(), ClusterError> {
        if let Some(ssl) = &builder.ssl {
            self.copy(&ssl.certificate, "server.crt")?;
            self.copy(&ssl.key, "server.key")?;
            if let Some(ca) = &ssl.ca {
                self.copy(ca, "root.crt")?;
            }
        }
        if let Some(hba) = &builder.hba {
            self.write("pg_hba.conf", hba.as_bytes())?;
        }
        let path = self.data_dir().join("postgresql.conf");
        let shipped = fs::read_to_string(&path).map_err(|source| ClusterError::Io {
            action: format!("read {}", path.display()),
            source,
        })?;
        let text = format!(
            "{shipped}\nunix_socket_directories = '{}'\n{}include_if_exists = 'port.conf'\n",
            self.socket_dir().display(),
            builder.configuration()
        );
        self.write("postgresql.conf", text.as_bytes())
    }

    fn start_on_free_port(&mut self, tcp: bool) -> Result<(), ClusterError> {
        for attempt in 1..=PORT_ATTEMPTS {
            self.port = free_port().map_err(|source| ClusterError::Io {
                action: "find a free port".to_owned(),
                source,
            })?;
            self.write("port.conf", format!("port = {}\n", self.port).as_bytes())?;
            match self.start() {
                Err(ClusterError::Server { log, .. })
                    if tcp && attempt < PORT_ATTEMPTS && log.contains("could not bind") => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }

    fn copy(&self, from: &Path, name: &str) -> Result<(), ClusterError> {
        let content = fs::read(from).map_err(|source| ClusterError::Io {
            action: format!("read {}", from.display()),
            source,
        })?;
        self.write(name, &content)
    }

    /// Writes a file of the data directory for the server's user alone; the server refuses a key that others can read.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), ClusterError> {
        let path = self.data_dir().join(name);
        let write = || -> io::Result<()> {
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            if let Some(user) = &self.user {
                chown(&path, Some(user.uid), Some(user.gid))?;
            }
            Ok(())
        };
        write().map_err(|source| ClusterError::Io {
            action: format!("write {}", path.display()),
            source,
        })
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn simple_query(
    config: &tokio_postgres::Config,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, ClusterError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| ClusterError::Io {
            action: "start an async runtime".to_owned(),
            source,
        })?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.map_err(|e| sql_error(&e))?;
        let connection = tokio::spawn(connection);
        let messages = client
            .simple_query(sql)
            .await
            .map_err(|error| sql_error(&error))?;
        drop(client);
        // Waits for the server to see the end: afterwards pg_stat_activity no longer shows this session's work.
        drop(connection.await);
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect())
    })
}

fn sql_error(error: &tokio_postgres::Error) -> ClusterError {
    let message = error.as_db_error().map_or_else(
        || error.to_string(),
        |db| format!("{} ({})", db.message(), db.code().code()),
    );
    ClusterError::Sql { message }
}
