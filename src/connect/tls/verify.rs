//! The verifier of server certificates: nothing, the chain, or the chain and the name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};

use super::TlsFailure;
use super::files::Roots;
use super::legacy::{self, Validity};
use super::names::Names;

/// What is verified.
#[derive(Debug)]
pub(super) enum Policy {
    /// Nothing: the connection is encrypted, to whoever answers.
    Nothing,
    /// That the certificate was issued by a trusted authority.
    Chain(Chain),
    /// That too, and that it is for this host.
    ChainAndName(Chain, String),
}

/// The trusted authorities.
#[derive(Debug)]
pub(super) struct Chain {
    webpki: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
    legacy: LegacyIssue,
}

/// Whether a certificate that webpki refuses to look at may be verified without it. Not with a revocation list, which
/// only webpki reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LegacyIssue {
    Accept,
    Refuse,
}

impl Chain {
    pub(super) fn new(
        roots: Roots,
        crls: Vec<CertificateRevocationListDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsFailure> {
        let legacy = if crls.is_empty() {
            LegacyIssue::Accept
        } else {
            LegacyIssue::Refuse
        };
        let webpki = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots.store),
            Arc::clone(provider),
        )
        .with_crls(crls)
        .build()
        .map_err(|error| TlsFailure::Other(format!("cannot use sslcrl: {error}")))?;
        Ok(Self {
            webpki,
            certificates: roots.certificates,
            legacy,
        })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        // The server's own certificate may be the root certificate, as with the self-signed one of PostgreSQL's manual.
        if self
            .certificates
            .iter()
            .any(|root| root.as_ref() == certificate.as_ref())
        {
            return check_validity(certificate, now);
        }
        // The name is not verified here, only after the chain, by libpq's rules and not by webpki's.
        let anyone = ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into());
        let verified =
            self.webpki
                .verify_server_cert(certificate, intermediates, &anyone, &[], now);
        match verified {
            Ok(_)
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(()),
            Err(error) if self.legacy == LegacyIssue::Refuse => Err(error),
            Err(error) => match legacy::parse(certificate).filter(legacy::is_legacy) {
                Some(parsed)
                    if legacy::is_signed_by_any(&parsed, &self.certificates, algorithms) =>
                {
                    check_validity(certificate, now)
                }
                Some(_) => Err(CertificateError::UnknownIssuer.into()),
                None => Err(error),
            },
        }
    }
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = legacy::parse(certificate).ok_or(CertificateError::BadEncoding)?;
    match legacy::validity(&parsed, now) {
        Validity::Valid => Ok(()),
        Validity::Expired => Err(CertificateError::Expired.into()),
        Validity::NotYet => Err(CertificateError::NotValidYet.into()),
    }
}

/// A [`Policy`] as rustls wants it.
#[derive(Debug)]
pub(super) struct Verifier {
    policy: Policy,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(policy: Policy, provider: &CryptoProvider) -> Self {
        Self {
            policy,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// The handshake's signature, with a certificate that webpki does not parse.
    fn verify_legacy_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Option<Result<HandshakeSignatureValid, Error>> {
        let parsed = legacy::parse(certificate).filter(legacy::is_version_1)?;
        let valid = legacy::is_handshake_signed(&parsed, message, signed, &self.algorithms);
        Some(if valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (chain, name) = match &self.policy {
            Policy::Nothing => return Ok(ServerCertVerified::assertion()),
            Policy::Chain(chain) => (chain, None),
            Policy::ChainAndName(chain, name) => (chain, Some(name)),
        };
        chain.verify(end_entity, intermediates, now, &self.algorithms)?;
        if let Some(name) = name {
            let Some(parsed) = legacy::parse(end_entity) else {
                // Stricter than webpki about encodings; what only webpki reads is left to its rules.
                let parsed = ParsedCertificate::try_from(end_entity)?;
                verify_server_name(&parsed, server_name)?;
                return Ok(ServerCertVerified::assertion());
            };
            let names = Names::of(&parsed);
            if !names.match_host(name) {
                return Err(wrong_name(name, &names));
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_legacy_signature(message, certificate, signed)
            .unwrap_or_else(|| {
                rustls::crypto::verify_tls12_signature(
                    message,
                    certificate,
                    signed,
                    &self.algorithms,
                )
            })
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if matches!(
            signed.scheme,
            SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
        ) {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        self.verify_legacy_signature(message, certificate, signed)
            .unwrap_or_else(|| {
                rustls::crypto::verify_tls13_signature(
                    message,
                    certificate,
                    signed,
                    &self.algorithms,
                )
            })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Carries the names through rustls to the error message.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is not for {host}")]
struct WrongName {
    host: String,
    names: Vec<String>,
}

fn wrong_name(host: &str, names: &Names) -> Error {
    let problem = WrongName {
        host: host.to_owned(),
        names: names.listed(),
    };
    CertificateError::Other(OtherError(Arc::new(problem))).into()
}

/// The failure that a certificate error means.
pub(super) fn failure(problem: &CertificateError) -> TlsFailure {
    match problem {
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::Revoked => TlsFailure::Revoked,
        CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<WrongName>() {
            Some(WrongName { host, names }) => TlsFailure::WrongName {
                host: host.clone(),
                names: names.clone(),
            },
            None => TlsFailure::BadCertificate(inner.to_string()),
        },
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => TlsFailure::WrongName {
            host: expected.to_str().into_owned(),
            names: presented.clone(),
        },
        CertificateError::BadSignature => {
            TlsFailure::BadCertificate("its signature is wrong".to_owned())
        }
        other => TlsFailure::BadCertificate(other.to_string()),
    }
}
