//! The MD5 digests that SQS returns. Some SDKs compare them.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::message::WrittenAttribute;

/// Returns the digest of a body.
pub(super) fn of_body(body: &str) -> String {
    hexadecimal(body.as_bytes())
}

/// Returns the digest of attributes, or `None` without attributes. Each name, type and value has its
/// length before it, and a number says whether the value is text.
pub(super) fn of_attributes(attributes: &BTreeMap<String, WrittenAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for (name, attribute) in attributes {
        append(&mut bytes, name.as_bytes());
        append(&mut bytes, attribute.data_type.as_bytes());
        match (&attribute.string_value, &attribute.binary_value) {
            (Some(text), _) => {
                bytes.push(1);
                append(&mut bytes, text.as_bytes());
            }
            (None, binary) => {
                bytes.push(2);
                let binary = binary.as_deref().unwrap_or_default();
                append(
                    &mut bytes,
                    &BASE64_STANDARD.decode(binary).unwrap_or_default(),
                );
            }
        }
    }
    Some(hexadecimal(&bytes))
}

fn append(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(part);
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("{:x}", md5::compute(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sqs() {
        // The first is the example of SQS's documentation.
        assert_eq!(
            of_body("This is a test message"),
            "fafb00f5732ab283681e124bf8747ed1"
        );
        assert_eq!(of_attributes(&BTreeMap::new()), None);
        let text = WrittenAttribute {
            data_type: "String".to_owned(),
            string_value: Some("v".to_owned()),
            binary_value: None,
        };
        let bytes = b"\0\0\0\x01n\0\0\0\x06String\x01\0\0\0\x01v";
        assert_eq!(
            of_attributes(&BTreeMap::from([("n".to_owned(), text)])),
            Some(hexadecimal(bytes))
        );
    }
}
