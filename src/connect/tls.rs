//! TLS by libpq's rules: what is verified in which mode, with which files.

mod files;
mod legacy;
mod names;
mod verify;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use verify::{Policy, Verifier};

/// `sslmode`, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    /// Every mode.
    pub(super) const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// The parameter's value.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// `sslrootcert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RootSource {
    /// `~/.postgresql/root.crt`; `None` without a home directory.
    Default(Option<PathBuf>),
    /// The file named.
    File(PathBuf),
    /// The authorities that the operating system trusts.
    System,
}

/// `sslnegotiation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negotiation {
    Postgres,
    Direct,
}

/// `sslsni`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sni {
    Send,
    Withhold,
}

/// `sslcertmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientCertificate {
    Offer,
    Withhold,
}

/// The TLS versions that may be negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    Only12,
    Only13,
    Both,
}

impl Versions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Only12 => vec![&rustls::version::TLS12],
            Self::Only13 => vec![&rustls::version::TLS13],
            Self::Both => rustls::DEFAULT_VERSIONS.to_vec(),
        }
    }
}

/// Every TLS parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    pub(super) negotiation: Negotiation,
    pub(super) root: RootSource,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) crl: Option<PathBuf>,
    pub(super) client_certificate: ClientCertificate,
    pub(super) sni: Sni,
    pub(super) versions: Versions,
}

impl TlsSettings {
    /// libpq goes on without verification when the root certificate named is not there and the mode does not demand
    /// it; the user should know.
    pub(super) fn warning(&self) -> Option<String> {
        match &self.root {
            RootSource::File(path)
                if (SslMode::Allow..=SslMode::Require).contains(&self.mode) && !path.exists() =>
            {
                Some(format!(
                    "root certificate file \"{}\" does not exist: the server's certificate is not verified \
                     (sslmode={}); use sslmode=verify-full to insist",
                    path.display(),
                    self.mode.name()
                ))
            }
            _ => None,
        }
    }

    /// The TLS side of connections to this host; `name` is what the user wrote in `host`.
    ///
    /// # Errors
    ///
    /// A [`TlsFailure`] when a certificate or key file is missing, unreadable or unsafe.
    pub(super) fn connector(&self, name: Option<&str>) -> Result<MakeRustlsConnect, TlsFailure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let policy = self.policy(name, &provider)?;
        let verifier = Verifier::new(policy, &provider);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions.supported())
            .map_err(|error| TlsFailure::Other(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.certified_key(&provider)? {
            Some(key) => builder.with_client_cert_resolver(Arc::new(OnlyCertificate(key))),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni == Sni::Send;
        if self.negotiation == Negotiation::Direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    /// What is verified: with a root certificate the chain, from `verify-full` on the name too. libpq verifies the
    /// chain in every mode in which it finds a root certificate (`initialize_SSL` in fe-secure-openssl.c).
    fn policy(
        &self,
        name: Option<&str>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Policy, TlsFailure> {
        let demanded = self.mode >= SslMode::VerifyCa;
        let Some(roots) = files::roots(&self.root)? else {
            return match &self.root {
                _ if !demanded => Ok(Policy::Nothing),
                RootSource::Default(Some(path)) | RootSource::File(path) => {
                    Err(TlsFailure::NoRootCertificate {
                        path: path.display().to_string(),
                    })
                }
                RootSource::Default(None) | RootSource::System => {
                    Err(TlsFailure::NoRootCertificate {
                        path: "~/.postgresql/root.crt".to_owned(),
                    })
                }
            };
        };
        let chain = verify::Chain::new(roots, files::crls(self.crl.as_deref())?, provider)?;
        if self.mode < SslMode::VerifyFull {
            return Ok(Policy::Chain(chain));
        }
        match name.filter(|name| !name.is_empty()) {
            Some(name) => Ok(Policy::ChainAndName(chain, name.to_owned())),
            None => Err(TlsFailure::NoNameToVerify),
        }
    }

    fn certified_key(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Option<Arc<CertifiedKey>>, TlsFailure> {
        if self.client_certificate == ClientCertificate::Withhold {
            return Ok(None);
        }
        let Some(chain) = files::client_chain(self.certificate.as_deref())? else {
            return Ok(None);
        };
        let key = files::client_key(self.key.as_deref())?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| {
                TlsFailure::Other(format!("cannot use the client's private key: {error}"))
            })?;
        let certified = CertifiedKey::new(chain, key);
        if let Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) =
            certified.keys_match()
        {
            return Err(TlsFailure::KeyMismatch);
        }
        Ok(Some(Arc::new(certified)))
    }
}

/// Presents the one client certificate there is, whatever the server says it wants, as OpenSSL does.
#[derive(Debug)]
struct OnlyCertificate(Arc<CertifiedKey>);

impl ResolvesClientCert for OnlyCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Why TLS could not be set up with a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The server answered that it does not speak TLS.
    NotOffered,
    /// `verify-ca` or `verify-full` and no root certificate to verify with.
    NoRootCertificate {
        /// Where it was looked for.
        path: String,
    },
    /// `verify-full` with `hostaddr` alone.
    NoNameToVerify,
    /// A certificate, key or revocation list file that cannot be used.
    File {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// `sslkey` does not belong to `sslcert`.
    KeyMismatch,
    /// The server's certificate was not issued by an authority of the root certificate file.
    UnknownIssuer,
    /// The server's certificate is for other names.
    WrongName {
        /// The name wanted.
        host: String,
        /// The names in the certificate.
        names: Vec<String>,
    },
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is in the revocation list.
    Revoked,
    /// The server's certificate is faulty in another way.
    BadCertificate(String),
    /// The server does not accept the client's certificate, or misses one.
    ClientCertificateRefused(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str(
                "the server does not offer TLS, which sslmode demands; turn ssl on at the server or use sslmode=disable",
            ),
            Self::NoRootCertificate { path } => write!(
                f,
                "root certificate file \"{path}\" does not exist; provide it, use sslrootcert=system for a public \
                 authority, or sslmode=require to go without verification"
            ),
            Self::NoNameToVerify => f.write_str(
                "sslmode=verify-full needs a host name to verify and only hostaddr is given; give host too",
            ),
            Self::File { path, problem } => write!(f, "cannot use \"{path}\": {problem}"),
            Self::KeyMismatch => f.write_str(
                "the client's private key does not belong to its certificate; check sslcert and sslkey",
            ),
            Self::UnknownIssuer => f.write_str(
                "the server's certificate was issued by an unknown authority; \
                 name the file with its root certificate in sslrootcert (or sslrootcert=system for a public one)",
            ),
            Self::WrongName { host, names } => {
                let names = if names.is_empty() {
                    "for no name".to_owned()
                } else {
                    format!("for {}", names.join(", "))
                };
                write!(
                    f,
                    "the server's certificate is {names}, not for {host}; connect by a name in it (with hostaddr for \
                     the address), or use sslmode=verify-ca"
                )
            }
            Self::Expired => {
                f.write_str("the server's certificate has expired; renew it, and check this machine's clock")
            }
            Self::NotYetValid => {
                f.write_str("the server's certificate is not valid yet; check this machine's clock")
            }
            Self::Revoked => f.write_str("the server's certificate is revoked (sslcrl); replace it"),
            Self::BadCertificate(problem) => {
                write!(f, "the server's certificate is not acceptable: {problem}; replace it")
            }
            Self::ClientCertificateRefused(alert) => write!(
                f,
                "the server refused the client certificate ({alert}); check sslcert and sslkey, and that the server's \
                 ssl_ca_file knows their issuer"
            ),
            Self::Other(problem) => write!(f, "TLS failed: {problem}"),
        }
    }
}

impl TlsFailure {
    /// The failure that a rustls error means.
    pub(super) fn from_rustls(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription as Alert, Error};
        match error {
            Error::InvalidCertificate(problem) => verify::failure(problem),
            Error::AlertReceived(
                alert @ (Alert::CertificateRequired
                | Alert::UnknownCA
                | Alert::BadCertificate
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::UnsupportedCertificate
                | Alert::AccessDenied),
            ) => Self::ClientCertificateRefused(format!("{alert:?}")),
            Error::AlertReceived(Alert::NoApplicationProtocol) => Self::Other(
                "the server does not speak PostgreSQL over direct TLS (17 and newer do); use sslnegotiation=postgres"
                    .to_owned(),
            ),
            other => Self::Other(other.to_string()),
        }
    }
}
