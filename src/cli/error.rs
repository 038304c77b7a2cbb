//! Errors as one line on standard error.

use std::process::ExitCode;

use super::exit::Exit;

/// Says why the program could not run, in one line.
#[expect(clippy::print_stderr, reason = "this is where errors are printed")]
pub fn report(error: &anyhow::Error) -> ExitCode {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    eprintln!("pgtriage: {}", one_line(&causes.join(": ")));
    Exit::CouldNotRun.into()
}

/// Prints what clap has to say: help and version whole, a usage error in one line.
#[expect(clippy::print_stderr, reason = "this is where errors are printed")]
pub fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Done.into(),
            Err(failure) if failure.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done.into(),
            Err(_) => Exit::CouldNotRun.into(),
        };
    }
    let text = error.to_string();
    let essence: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .collect();
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let essence = one_line(&conceal(&essence.join(" "), arguments));
    eprintln!(
        "pgtriage: {}; try --help",
        essence.strip_prefix("error: ").unwrap_or(&essence)
    );
    Exit::CouldNotRun.into()
}

/// The text without those of the arguments that may hold a password: a slip of the keyboard must not bring it into a
/// log.
fn conceal(text: &str, arguments: impl Iterator<Item = String>) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        let lower = argument.to_ascii_lowercase();
        let conninfo = lower.contains("password") && argument.contains('=');
        let uri = lower.contains("postgres") && argument.contains('@');
        if !conninfo && !uri {
            continue;
        }
        // Whole, as the value in `--flag=value`, and as that in `-fvalue`.
        let value = argument.split_once('=').map(|(_, value)| value);
        let forms = [Some(argument.as_str()), value, argument.get(2..)];
        for form in forms.into_iter().flatten().filter(|form| !form.is_empty()) {
            text = text.replace(form, "…");
        }
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_may_hold_a_password_are_concealed() {
        for (argument, message, left) in [
            (
                "postgresql://me:s3cret@db/shop",
                "unexpected argument 'postgresql://me:s3cret@db/shop' found",
                "unexpected argument '…' found",
            ),
            (
                "--format=postgres:/me:s3cret@db",
                "invalid value 'postgres:/me:s3cret@db' for '--format'",
                "invalid value '…' for '--format'",
            ),
            (
                "-tpostgres://me:s3cret@db",
                "bad 'postgres://me:s3cret@db'",
                "bad '…'",
            ),
            (
                "PASSWORD=s3cret",
                "unexpected argument 'PASSWORD=s3cret' found",
                "unexpected argument '…' found",
            ),
            (
                "shop",
                "unexpected argument 'shop' found",
                "unexpected argument 'shop' found",
            ),
        ] {
            assert_eq!(conceal(message, [argument.to_owned()].into_iter()), left);
        }
    }
}
