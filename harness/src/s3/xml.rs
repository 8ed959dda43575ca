//! Documents of S3.

use serde::Serialize;

/// Returns a document with this root element.
pub(super) fn document(root: &str, content: &impl Serialize) -> String {
    // Only types that are no mapping or have other keys than texts fail.
    let text = quick_xml::se::to_string_with_root(root, content).unwrap_or_default();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}")
}
