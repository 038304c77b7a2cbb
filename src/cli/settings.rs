//! `pgtriage.toml`: where it is, and what it says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::gate::FileConfig;

/// What the settings file is called.
pub const NAME: &str = "pgtriage.toml";

/// The settings file.
#[derive(Debug, Default)]
pub struct Settings {
    /// Its keys.
    pub keys: FileConfig,
    /// The folder that it is in; `None` where there is none.
    folder: Option<PathBuf>,
}

impl Settings {
    /// That file, or the first in this folder or above it; nothing where there is none.
    ///
    /// # Errors
    /// Where it cannot be read, with the line that is not understood.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let found = match path {
            Some(path) => Some(path.to_owned()),
            None => upward(&std::env::current_dir().context("cannot tell the current folder")?),
        };
        let Some(path) = found else {
            return Ok(Self::default());
        };
        let keys = FileConfig::read(&read_text(&path)?);
        Ok(Self {
            keys: keys.with_context(|| format!("cannot use {}", path.display()))?,
            folder: path.parent().map(Path::to_owned),
        })
    }

    /// A path of the file is relative to the file.
    pub fn beside(&self, path: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(path),
            None => PathBuf::from(path),
        }
    }
}

fn upward(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .map(|folder| folder.join(NAME))
        .find(|path| path.is_file())
}

/// The text of a file.
///
/// # Errors
/// Where it cannot be read or is no text.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes)
        .with_context(|| format!("cannot use {}: it is not UTF-8 text", path.display()))
}
