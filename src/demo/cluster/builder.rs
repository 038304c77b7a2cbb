//! What a throwaway cluster is to be like.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::supervisor::{ServerUser, Supervisor};
use super::{Cluster, ClusterError};
use crate::demo::binaries::Binaries;

/// What a throwaway server is set to: quick rather than durable, everything else as PostgreSQL ships.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_wal_size", "4GB"),
    ("logging_collector", "off"),
    ("unix_socket_permissions", "0700"),
];

/// Certificates for a server with TLS: copied into the cluster.
#[derive(Debug, Clone)]
pub(super) struct SslFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ca: Option<PathBuf>,
}

/// What a cluster is to be like; made by [`Cluster::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    major: Option<u32>,
    bin_dir: Option<PathBuf>,
    template: Option<PathBuf>,
    settings: BTreeMap<String, String>,
    preload: Vec<String>,
    pub(super) hba: Option<String>,
    pub(super) ssl: Option<SslFiles>,
    pub(super) listen: Option<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            major: None,
            bin_dir: None,
            template: None,
            settings: BTreeMap::new(),
            preload: vec!["pg_stat_statements".to_owned()],
            hba: None,
            ssl: None,
            listen: None,
        }
    }

    /// The major version, found as [`Binaries::find`] does. Without it and without [`Builder::bin_dir`]: any.
    #[must_use]
    pub const fn major(mut self, major: u32) -> Self {
        self.major = Some(major);
        self
    }

    /// The directory of the server binaries, instead of a search.
    #[must_use]
    pub fn bin_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.bin_dir = Some(directory.into());
        self
    }

    /// A line of `postgresql.conf`; wins over what the harness sets itself.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// `shared_preload_libraries`, instead of `pg_stat_statements` alone; `[]` preloads nothing.
    #[must_use]
    pub fn preload<const N: usize>(mut self, libraries: [&str; N]) -> Self {
        self.preload = libraries.map(str::to_owned).to_vec();
        self
    }

    /// The whole text of `pg_hba.conf`, instead of trust for everybody. [`Cluster::execute`] needs a line that lets
    /// the superuser in through the socket, such as `local all postgres trust`.
    #[must_use]
    pub fn hba(mut self, text: &str) -> Self {
        self.hba = Some(text.to_owned());
        self
    }

    /// Turns TLS on with a certificate and key (PEM), and with a CA for client certificates.
    #[must_use]
    pub fn ssl_files(mut self, certificate: &Path, key: &Path, ca: Option<&Path>) -> Self {
        self.ssl = Some(SslFiles {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            ca: ca.map(Path::to_owned),
        });
        self
    }

    /// Listens on 127.0.0.1 too; without it only on the socket.
    #[must_use]
    pub fn tcp(self) -> Self {
        self.listen("127.0.0.1")
    }

    /// `listen_addresses`, for more than [`Builder::tcp`].
    #[must_use]
    pub fn listen(mut self, addresses: &str) -> Self {
        self.listen = Some(addresses.to_owned());
        self
    }

    /// Copies the data directory that is kept there, which takes a tenth of the time that making one takes. The first
    /// cluster makes it, with the same binaries as all others, and it stays.
    #[must_use]
    pub fn template(mut self, directory: impl Into<PathBuf>) -> Self {
        self.template = Some(directory.into());
        self
    }

    /// Initialises the cluster and starts its server (half a second).
    ///
    /// # Errors
    /// Where binaries are missing or the server does not start; the message holds its log.
    pub fn start(self) -> Result<Cluster, ClusterError> {
        let binaries = match &self.bin_dir {
            Some(directory) => Binaries::in_directory(directory.clone())?,
            None => Binaries::find(self.major)?,
        };
        let user = ServerUser::choose()?;
        let supervisor = Supervisor::spawn(&binaries, user.as_ref(), self.template.as_deref())?;
        Cluster::set_up(supervisor, binaries, user, &self)
    }

    pub(super) fn configuration(&self) -> String {
        let mut lines: BTreeMap<&str, &str> = SETTINGS.into_iter().collect();
        let preload = self.preload.join(",");
        lines.insert("shared_preload_libraries", &preload);
        lines.insert("listen_addresses", self.listen.as_deref().unwrap_or(""));
        if let Some(ssl) = &self.ssl {
            lines.insert("ssl", "on");
            if ssl.ca.is_some() {
                lines.insert("ssl_ca_file", "root.crt");
            }
        }
        lines.extend(self.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let mut text = String::new();
        for (name, value) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_caller_win_and_are_quoted() {
        let text = Cluster::builder()
            .setting("fsync", "on")
            .setting("search_path", "it's")
            .preload([])
            .configuration();
        assert!(text.contains("fsync = 'on'\n"), "{text}");
        assert!(text.contains("search_path = 'it''s'\n"), "{text}");
        assert!(text.contains("shared_preload_libraries = ''\n"), "{text}");
        assert!(text.contains("listen_addresses = ''\n"), "{text}");
    }
}
