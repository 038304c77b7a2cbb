//! Parameters of text that does not parse.

use super::Parameters;
use crate::sql::scope::CatalogNames;

/// stub
pub fn from_tokens(_text: &str, _catalog: &dyn CatalogNames) -> Parameters {
    Parameters::new()
}
