//! The certificate and key files: where missing ones are an error, and who may read a key.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::{RootSource, TlsFailure};

/// The authorities to trust.
#[derive(Debug)]
pub(super) struct Roots {
    /// As trust anchors.
    pub(super) store: RootCertStore,
    /// The certificates as they are: one may be the server's own.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Loads the roots; `None` when the file is not there.
pub(super) fn roots(source: &RootSource) -> Result<Option<Roots>, TlsFailure> {
    let certificates = match source {
        RootSource::System => system_roots()?,
        RootSource::Default(None) => return Ok(None),
        RootSource::Default(Some(path)) | RootSource::File(path) => match certificates(path)? {
            Some(certificates) => certificates,
            None => return Ok(None),
        },
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
    if added == 0 {
        return Err(TlsFailure::Other(
            "none of the root certificates can be used; check sslrootcert".to_owned(),
        ));
    }
    Ok(Some(Roots {
        store,
        certificates,
    }))
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, TlsFailure> {
    let loaded = rustls_native_certs::load_native_certs();
    if !loaded.certs.is_empty() {
        return Ok(loaded.certs);
    }
    let reason = loaded
        .errors
        .first()
        .map_or_else(|| "none are installed".to_owned(), ToString::to_string);
    Err(TlsFailure::Other(format!(
        "no root certificates of the operating system: {reason}; install its ca-certificates package or name a file \
         in sslrootcert"
    )))
}

/// The revocation lists; none when the file is not there.
pub(super) fn crls(
    path: Option<&Path>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsFailure> {
    let Some((path, text)) = read(path)? else {
        return Ok(Vec::new());
    };
    CertificateRevocationListDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, format!("not a PEM revocation list: {error}")))
}

/// The client's certificate with its intermediates; `None` when the file is not there (libpq goes on without).
pub(super) fn client_chain(
    path: Option<&Path>,
) -> Result<Option<Vec<CertificateDer<'static>>>, TlsFailure> {
    path.map_or(Ok(None), certificates)
}

fn certificates(path: &Path) -> Result<Option<Vec<CertificateDer<'static>>>, TlsFailure> {
    let Some((path, text)) = read(Some(path))? else {
        return Ok(None);
    };
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(path, format!("not a PEM certificate: {error}")))?;
    if certificates.is_empty() {
        return Err(unusable(path, "it holds no PEM certificate"));
    }
    Ok(Some(certificates))
}

/// The client's private key, by the permission rule of `initialize_SSL` in fe-secure-openssl.c.
pub(super) fn client_key(path: Option<&Path>) -> Result<PrivateKeyDer<'static>, TlsFailure> {
    let missing = |path: &Path| {
        unusable(
            path,
            "there is a client certificate and no private key for it; name the key in sslkey",
        )
    };
    let Some(path) = path else {
        return Err(missing(Path::new("~/.postgresql/postgresql.key")));
    };
    let Some((_, text)) = read(Some(path))? else {
        return Err(missing(path));
    };
    let metadata = fs::metadata(path).map_err(|error| unusable(path, error.to_string()))?;
    check_permissions(path, &metadata)?;
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&text) {
        return Ok(key);
    }
    if String::from_utf8_lossy(&text).contains("ENCRYPTED") {
        return Err(unusable(
            path,
            "the private key is encrypted, which is not supported (nor is sslpassword); \
             write it in the clear with openssl pkey -in KEY -out NEW and chmod 0600",
        ));
    }
    PrivateKeyDer::try_from(text)
        .map_err(|_| unusable(path, "it holds no private key in PEM or DER"))
}

fn check_permissions(path: &Path, metadata: &Metadata) -> Result<(), TlsFailure> {
    if !metadata.is_file() {
        return Err(unusable(path, "the private key is not a regular file"));
    }
    let forbidden = if metadata.uid() == 0 { 0o137 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(unusable(
        path,
        "the private key has group or world access; it must be 0600 or less, or 0640 or less if root owns it",
    ))
}

fn read(path: Option<&Path>) -> Result<Option<(&Path, Vec<u8>)>, TlsFailure> {
    let Some(path) = path else {
        return Ok(None);
    };
    match fs::read(path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(unusable(path, error.to_string())),
    }
}

fn unusable(path: &Path, problem: impl Into<String>) -> TlsFailure {
    TlsFailure::File {
        path: path.display().to_string(),
        problem: problem.into(),
    }
}
