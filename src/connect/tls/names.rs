//! Whether a certificate is for a host, by the rules of fe-secure-common.c and
//! `pgtls_verify_peer_name_matches_certificate_guts`: subject alternative names, else the common name.

use std::net::IpAddr;

use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The names of a certificate.
#[derive(Debug, Default)]
pub(super) struct Names {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
    common: Vec<String>,
}

impl Names {
    /// Reads them. A faulty extension gives no names.
    pub(super) fn of(certificate: &Certificate) -> Self {
        let mut names = Self::default();
        let alternatives = certificate.tbs_certificate.get::<SubjectAltName>();
        if let Ok(Some((_, SubjectAltName(alternatives)))) = alternatives {
            for name in alternatives {
                match name {
                    GeneralName::DnsName(name) => names.dns.push(name.to_string()),
                    GeneralName::IpAddress(bytes) => {
                        names.addresses.extend(address(bytes.as_bytes()));
                    }
                    _ => {}
                }
            }
        }
        let attributes = certificate
            .tbs_certificate
            .subject
            .0
            .iter()
            .flat_map(|rdn| rdn.0.iter());
        names.common.extend(
            attributes
                .filter(|attribute| attribute.oid == COMMON_NAME)
                .filter_map(|attribute| String::from_utf8(attribute.value.value().to_vec()).ok()),
        );
        names
    }

    /// Whether the certificate is for this host. The common name counts only without a subject alternative name of
    /// the kind of the host: a DNS name for a name, an address for an address.
    pub(super) fn match_host(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        let by_name = |name: &String| matches(name, host);
        let listed = self.dns.iter().any(by_name)
            || address.is_some_and(|address| self.addresses.contains(&address));
        let same_kind = match address {
            Some(_) => !self.addresses.is_empty(),
            None => !self.dns.is_empty(),
        };
        listed || (!same_kind && self.common.iter().any(by_name))
    }

    /// Those that count, for the error.
    pub(super) fn listed(&self) -> Vec<String> {
        let alternatives: Vec<_> = self
            .dns
            .iter()
            .cloned()
            .chain(self.addresses.iter().map(ToString::to_string))
            .collect();
        if alternatives.is_empty() {
            self.common.clone()
        } else {
            alternatives
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(v4));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Equal but for case, or a wildcard for exactly one label (`wildcard_certificate_match`).
fn matches(pattern: &str, host: &str) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern
        .strip_prefix('*')
        .filter(|suffix| suffix.starts_with('.'))
    else {
        return false;
    };
    let Some((label, rest)) = host.split_once('.') else {
        return false;
    };
    suffix.len() > 1
        && !label.is_empty()
        && suffix
            .get(1..)
            .is_some_and(|suffix| suffix.eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dns: &[&str], addresses: &[&str], common: &[&str]) -> Names {
        Names {
            dns: dns.iter().map(ToString::to_string).collect(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            common: common.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn hosts_match_as_in_libpq() {
        let cases = [
            (names(&["db.example.com"], &[], &[]), "db.example.com", true),
            (names(&["db.example.com"], &[], &[]), "DB.Example.COM", true),
            (
                names(&["db.example.com"], &[], &[]),
                "other.example.com",
                false,
            ),
            (names(&["*.example.com"], &[], &[]), "db.example.com", true),
            (
                names(&["*.example.com"], &[], &[]),
                "a.db.example.com",
                false,
            ),
            (names(&["*.example.com"], &[], &[]), "example.com", false),
            (names(&["*.example.com"], &[], &[]), ".example.com", false),
            (
                names(&["d*.example.com"], &[], &[]),
                "db.example.com",
                false,
            ),
            (names(&["*"], &[], &[]), "db", false),
            (names(&["*."], &[], &[]), "db.", false),
            // The common name counts only without alternatives of the same kind.
            (names(&[], &[], &["db.example.com"]), "db.example.com", true),
            (
                names(&["x"], &[], &["db.example.com"]),
                "db.example.com",
                false,
            ),
            (
                names(&[], &["10.0.0.1"], &["db.example.com"]),
                "db.example.com",
                true,
            ),
            (names(&[], &["10.0.0.1"], &[]), "10.0.0.1", true),
            (names(&[], &["10.0.0.1"], &[]), "10.0.0.2", false),
            (names(&[], &["::1"], &[]), "0:0::1", true),
            (names(&["10.0.0.1"], &[], &[]), "10.0.0.1", true),
            (names(&[], &[], &["10.0.0.1"]), "10.0.0.1", true),
            (names(&[], &["10.0.0.2"], &["10.0.0.1"]), "10.0.0.1", false),
            (names(&["x"], &[], &["10.0.0.1"]), "10.0.0.1", true),
            (names(&[], &[], &[]), "db", false),
            (names(&["db\0.evil"], &[], &[]), "db", false),
        ];
        for (names, host, expected) in cases {
            assert_eq!(names.match_host(host), expected, "{names:?} {host}");
        }
    }
}
