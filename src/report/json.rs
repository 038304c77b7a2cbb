//! The report as its JSON document, and the document's schema.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::finding::Report;

/// The JSON document, indented, with a final newline.
///
/// # Errors
/// Never for a report that `analyze` made; serialisation of foreign values could fail.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of the document, generated from [`Report`] as it is written: what is left out where it is empty is
/// not required.
pub fn schema() -> Value {
    SchemaSettings::default()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}
