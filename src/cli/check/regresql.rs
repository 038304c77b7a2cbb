//! The plan files of regresql: values for the parameters of a file's statements.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sql::script::first_case;

/// Where they are, in the folder that regresql was begun in. Below it they have the folders of the SQL files.
const PLANS: &str = "regresql/plans";

/// The plan files of one SQL file.
#[derive(Debug)]
pub(super) struct Plans {
    folder: PathBuf,
    stem: String,
}

impl Plans {
    /// Those of that file; `None` where regresql is not used.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let whole = std::path::absolute(file).ok()?;
        let mut above = whole.ancestors().skip(1);
        let top = above.find(|folder| folder.join(PLANS).is_dir())?;
        let below = whole.parent()?.strip_prefix(top).ok()?;
        Some(Self {
            folder: top.join(PLANS).join(below),
            stem: whole.file_stem()?.to_string_lossy().into_owned(),
        })
    }

    /// The values of the first case of the statement of that name, in `FILE_NAME.yaml` or `FILE.yaml`.
    pub(super) fn values(&self, name: Option<&str>) -> BTreeMap<String, Option<String>> {
        let own = format!("{}_{}.yaml", self.stem, name.unwrap_or("default"));
        let read = [own, format!("{}.yaml", self.stem)]
            .iter()
            .find_map(|file| fs::read_to_string(self.folder.join(file)).ok());
        read.map(|yaml| first_case(&yaml)).unwrap_or_default()
    }
}
