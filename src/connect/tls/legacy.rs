//! Certificates that OpenSSL accepts and webpki refuses to look at: X.509 version 1, which `openssl x509 -req` made by
//! default before 3.4 and PostgreSQL's manual therefore produces, and authorities used as server certificates.

use rustls::DigitallySignedStruct;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// Parses a certificate of any version.
pub(super) fn parse(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(certificate).ok()
}

/// Whether webpki refuses this one as a server certificate for what it is rather than for its issuer.
pub(super) fn is_legacy(certificate: &Certificate) -> bool {
    is_version_1(certificate) || is_authority(certificate)
}

/// Whether it is of the version that has no extensions.
pub(super) fn is_version_1(certificate: &Certificate) -> bool {
    certificate.tbs_certificate.version == Version::V1
}

fn is_authority(certificate: &Certificate) -> bool {
    matches!(
        certificate.tbs_certificate.get::<BasicConstraints>(),
        Ok(Some((_, constraints))) if constraints.ca
    )
}

/// Where `now` lies relative to a certificate's validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    Expired,
    NotYet,
}

/// Whether the certificate is valid now.
pub(super) fn validity(certificate: &Certificate, now: UnixTime) -> Validity {
    let validity = &certificate.tbs_certificate.validity;
    let now = now.as_secs();
    if now > validity.not_after.to_unix_duration().as_secs() {
        Validity::Expired
    } else if now < validity.not_before.to_unix_duration().as_secs() {
        Validity::NotYet
    } else {
        Validity::Valid
    }
}

/// Whether one of these authorities signed the certificate.
pub(super) fn is_signed_by_any(
    certificate: &Certificate,
    authorities: &[CertificateDer<'_>],
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let Ok(message) = certificate.tbs_certificate.to_der() else {
        return false;
    };
    let Some(signature) = certificate.signature.as_bytes() else {
        return false;
    };
    let Some(method) = identifier(&certificate.signature_algorithm) else {
        return false;
    };
    let suitable: Vec<_> = algorithms
        .all
        .iter()
        .copied()
        .filter(|algorithm| algorithm.signature_alg_id().as_ref() == method.as_slice())
        .collect();
    authorities
        .iter()
        .filter_map(parse)
        .map(|authority| authority.tbs_certificate)
        .filter(|authority| authority.subject == certificate.tbs_certificate.issuer)
        .any(|authority| {
            is_signed(
                &authority.subject_public_key_info,
                &suitable,
                &message,
                signature,
            )
        })
}

/// Whether the handshake was signed with the certificate's key.
pub(super) fn is_handshake_signed(
    certificate: &Certificate,
    message: &[u8],
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let suitable: Vec<_> = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signed.scheme)
        .flat_map(|(_, algorithms)| algorithms.iter().copied())
        .collect();
    let key = &certificate.tbs_certificate.subject_public_key_info;
    is_signed(key, &suitable, message, signed.signature())
}

fn is_signed(
    key: &SubjectPublicKeyInfoOwned,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let (Some(kind), Some(bits)) = (
        identifier(&key.algorithm),
        key.subject_public_key.as_bytes(),
    ) else {
        return false;
    };
    algorithms
        .iter()
        .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == kind.as_slice())
        .any(|algorithm| algorithm.verify_signature(bits, message, signature).is_ok())
}

/// The identifier as rustls writes it: without the header of its SEQUENCE.
fn identifier(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let mut content = algorithm.oid.to_der().ok()?;
    if let Some(parameters) = &algorithm.parameters {
        content.extend(parameters.to_der().ok()?);
    }
    Some(content)
}
