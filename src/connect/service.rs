//! Service files (`parseServiceFile` in fe-connect.c): named sets of connection parameters.

use std::io;
use std::path::{Path, PathBuf};

use super::conninfo::is_space;
use super::environment::Environment;
use super::invalid::InvalidParameters;
use super::keyword::{Given, Keyword, Origin, Parameters};

/// Adds the parameters of the service, where one is asked for, to those not given already.
pub(super) fn apply(
    parameters: &mut Parameters,
    environment: &Environment,
) -> Result<(), InvalidParameters> {
    let Some(name) = asked_for(parameters, Keyword::Service, environment) else {
        return Ok(());
    };
    let user_file = asked_for(parameters, Keyword::ServiceFile, environment)
        .map(PathBuf::from)
        .or_else(|| {
            environment
                .home
                .as_ref()
                .map(|home| home.join(".pg_service.conf"))
        });
    let files = user_file.into_iter().chain(system_files(environment));
    let mut searched = Vec::new();
    for file in files {
        if let Some(found) = read(&file, &name)? {
            for (keyword, given) in found {
                parameters.entry(keyword).or_insert(given);
            }
            return Ok(());
        }
        searched.push(file.display().to_string());
    }
    Err(InvalidParameters::UnknownService {
        name,
        searched: searched.join(" or "),
    })
}

fn asked_for(
    parameters: &Parameters,
    keyword: Keyword,
    environment: &Environment,
) -> Option<String> {
    let value = match parameters.get(&keyword) {
        Some(given) => given.value.as_str(),
        None => environment.variable(keyword.variable()?)?,
    };
    (!value.is_empty()).then(|| value.to_owned())
}

fn system_files(environment: &Environment) -> Vec<PathBuf> {
    match environment.variable("PGSYSCONFDIR") {
        Some(directory) => vec![Path::new(directory).join("pg_service.conf")],
        None => environment
            .config_dirs
            .iter()
            .map(|directory| directory.join("pg_service.conf"))
            .filter(|file| file.exists())
            .collect(),
    }
}

/// The parameters of the service in this file; `None` when the file or the service is not there.
fn read(path: &Path, service: &str) -> Result<Option<Parameters>, InvalidParameters> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(InvalidParameters::ServiceFile {
                path: path.to_owned(),
                problem: error.to_string(),
            });
        }
    };
    parse(&text, service).map_err(|problem| InvalidParameters::ServiceFile {
        path: path.to_owned(),
        problem,
    })
}

/// The section `[service]`: the first value of a keyword wins. Other sections are not looked at.
fn parse(text: &str, service: &str) -> Result<Option<Parameters>, String> {
    let mut found: Option<Parameters> = None;
    let mut inside = false;
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.trim_matches(is_space);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if inside {
                break;
            }
            inside = header.strip_suffix(']') == Some(service);
            if inside {
                found = Some(Parameters::new());
            }
            continue;
        }
        if let Some(parameters) = found.as_mut().filter(|_| inside) {
            let (keyword, value) = setting(line).map_err(|e| format!("line {number}: {e}"))?;
            parameters.entry(keyword).or_insert_with(|| Given {
                value: value.to_owned(),
                origin: Origin::Service(service.to_owned()),
            });
        }
    }
    Ok(found)
}

fn setting(line: &str) -> Result<(Keyword, &str), String> {
    if line.starts_with("ldap") {
        return Err("LDAP lookup is not supported; write the parameters themselves".to_owned());
    }
    let Some((name, value)) = line.split_once('=') else {
        return Err("not of the form keyword=value".to_owned());
    };
    match Keyword::named(name) {
        Some(Keyword::Service | Keyword::ServiceFile) => {
            Err(format!("\"{name}\" is not allowed within a service"))
        }
        Some(keyword) => Ok((keyword, value)),
        None => Err(format!(
            "unknown connection parameter \"{name}\"; correct its name (no blanks around \"=\")"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str, service: &str) -> Result<Option<Vec<(&'static str, String)>>, String> {
        Ok(
            parse(text, service)?
                .map(|p| p.into_iter().map(|(k, g)| (k.name(), g.value)).collect()),
        )
    }

    const FILE: &str = "# staging and others\n[staging]\n host=db.staging\nport=5433\nport=5434\n\n[prod]\r\nhost=db.prod\r\ndbname=a=b c\r\n[empty]\n[bad]\nhots=x\n[spaced]\nhost = x\n[nested]\nservice=prod\n[ldap]\nldap://x\n[word]\nhost\n";

    #[test]
    fn sections_are_found_and_the_first_value_wins() {
        let own = |pairs: &[(&'static str, &str)]| {
            Ok(Some(
                pairs
                    .iter()
                    .map(|(k, v)| (*k, (*v).to_owned()))
                    .collect::<Vec<_>>(),
            ))
        };
        assert_eq!(
            pairs(FILE, "staging"),
            own(&[("host", "db.staging"), ("port", "5433")])
        );
        assert_eq!(
            pairs(FILE, "prod"),
            own(&[("dbname", "a=b c"), ("host", "db.prod")])
        );
        assert_eq!(pairs(FILE, "empty"), own(&[]));
        assert_eq!(pairs(FILE, "pro"), Ok(None));
    }

    #[test]
    fn faulty_lines_are_named() {
        for (service, line) in [
            ("bad", 12),
            ("spaced", 14),
            ("nested", 16),
            ("ldap", 18),
            ("word", 20),
        ] {
            let message = pairs(FILE, service).unwrap_err();
            assert!(
                message.starts_with(&format!("line {line}: ")),
                "{service}: {message}"
            );
        }
    }

    #[test]
    fn files_are_searched_in_order() {
        let home = tempfile::tempdir().unwrap();
        let system = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".pg_service.conf"), "[a]\nhost=home\n").unwrap();
        std::fs::write(
            system.path().join("pg_service.conf"),
            "[a]\nhost=system\n[b]\nhost=system\n",
        )
        .unwrap();
        let mut environment = Environment {
            home: Some(home.path().to_owned()),
            config_dirs: vec![system.path().to_owned()],
            ..Environment::default()
        };
        let mut host = |service: &str| {
            environment
                .variables
                .insert("PGSERVICE".into(), service.into());
            let mut parameters = Parameters::new();
            apply(&mut parameters, &environment)
                .map(|()| parameters.remove(&Keyword::Host).map(|given| given.value))
                .map_err(|e| e.to_string())
        };
        assert_eq!(host("a"), Ok(Some("home".into())));
        assert_eq!(host("b"), Ok(Some("system".into())));
        assert_eq!(host(""), Ok(None));
        let message = host("c").unwrap_err();
        assert!(
            message.contains("\"c\"") && message.contains(".pg_service.conf or "),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "(\\[a\\]|\n|host|=|x|#| |\\PC)*") {
            let _ = parse(&text, "a");
        }
    }
}
