//! The `pgtriage` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgtriage::cli::main()
}
