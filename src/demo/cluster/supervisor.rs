//! The process that owns a throwaway cluster, and the user that it runs as.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::ClusterError;
use crate::demo::binaries::Binaries;

const SUPERVISOR: &str = include_str!("supervisor.sh");
/// The user that a server runs as when this process is root.
#[derive(Debug, Clone)]
pub(super) struct ServerUser {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl ServerUser {
    pub(super) fn choose() -> Result<Option<Self>, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                Some(Self {
                    name,
                    uid: id_of(name, "-u")?,
                    gid: id_of(name, "-g")?,
                })
            })
            .map(Some)
            .ok_or(ClusterError::OnlyRoot)
    }
}

/// `id -u NAME`: asks the system's user database, which may be more than /etc/passwd.
fn id_of(name: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    let id = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    (output.status.success() && id != 0).then_some(id)
}

/// The shell process that owns the cluster; see `supervisor.sh`.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    /// `None` once closed.
    pipes: Mutex<Option<Pipes>>,
    pub(super) directory: PathBuf,
}

#[derive(Debug)]
struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pipes {
    fn exchange(&mut self, order: &str) -> io::Result<String> {
        self.orders.write_all(order.as_bytes())?;
        self.orders.write_all(b"\n")?;
        self.orders.flush()?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end_matches('\n').to_owned())
    }
}

impl Supervisor {
    pub(super) fn spawn(
        binaries: &Binaries,
        user: Option<&ServerUser>,
        template: Option<&Path>,
    ) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Io {
            action: "start a supervisor for the throwaway PostgreSQL server".to_owned(),
            source,
        };
        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISOR, "pgtriage-supervisor"])
            .arg(binaries.directory())
            .arg(temporary_directory())
            .arg(template.unwrap_or(Path::new("")))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        // libpq's variables would reach the clients inside pg_ctl, PGDATA the server.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(&name);
            }
        }
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = command.spawn().map_err(failed)?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let mut pipes = Pipes {
            orders,
            answers: BufReader::new(answers),
        };
        let directory = pipes.answer().map_err(failed)?;
        if directory.is_empty() {
            return Err(failed(io::Error::other(
                "it cannot make a directory for temporary files",
            )));
        }
        Ok(Self {
            child,
            pipes: Mutex::new(Some(pipes)),
            directory: PathBuf::from(directory),
        })
    }

    pub(super) fn order(&self, order: &str, action: &'static str) -> Result<(), ClusterError> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = pipes
            .as_mut()
            .map_or_else(|| Ok(String::new()), |pipes| pipes.exchange(order));
        let log = match answer.as_deref() {
            Ok("ok") => return Ok(()),
            Ok("failed") => self.last_lines(),
            Ok(_) => "its supervisor ended".to_owned(),
            Err(error) => format!("its supervisor ended: {error}"),
        };
        Err(ClusterError::Server {
            action,
            directory: self.directory.clone(),
            log,
        })
    }

    fn last_lines(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.directory.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(8);
            lines.get(from..).unwrap_or_default().join("\n")
        };
        format!("{}\n{}", tail("supervisor.log"), tail("server.log"))
            .trim()
            .to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Closing the pipe is the order to clean up; waiting makes "dropped" mean "gone".
        self.pipes
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(self.child.wait());
    }
}

/// The system's directory for temporary files, unless a socket below it would have too long a name: 107 bytes is the
/// limit on Linux, 103 on macOS, and `/pgtriage-XXXXXX/.s.PGSQL.65535` needs 32 of them.
fn temporary_directory() -> PathBuf {
    let directory = std::env::temp_dir();
    if directory.as_os_str().len() > 70 {
        PathBuf::from("/tmp")
    } else {
        directory
    }
}
