//! The bucket and the key that a path names.

use percent_encoding::percent_decode_str;

use super::error::S3Error;
use crate::stack::REGION;

/// The longest key, in bytes.
const LONGEST_KEY: usize = 1024;

/// What a request is about. Without a key it is the bucket, without a bucket the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub bucket: String,
    pub key: String,
}

impl Address {
    /// Reads `/BUCKET/KEY`.
    pub fn of(path: &str) -> Result<Self, S3Error> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decoded = |text| {
            let text = percent_decode_str(text).decode_utf8();
            text.map_err(|_| S3Error::InvalidUri)
        };
        let key = decoded(key)?.into_owned();
        if key.len() > LONGEST_KEY {
            return Err(S3Error::KeyTooLong);
        }
        Ok(Self {
            bucket: decoded(bucket)?.into_owned(),
            key,
        })
    }

    /// Returns the ARN of the object, or of the bucket.
    pub fn arn(&self) -> String {
        let Self { bucket, key } = self;
        match (bucket.as_str(), key.as_str()) {
            ("", _) => "*".to_owned(),
            (_, "") => bucket_arn(bucket),
            _ => object_arn(bucket, key),
        }
    }
}

pub(super) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

pub(super) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// The region of every bucket.
pub(super) const BUCKET_REGION: &str = REGION;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_is_the_bucket_and_the_rest_is_the_key() {
        for (path, bucket, key) in [
            ("/", "", ""),
            ("/files", "files", ""),
            ("/files/", "files", ""),
            ("/files/a/b c", "files", "a/b c"),
            ("/files/a%2Fb%20%C3%A4", "files", "a/b ä"),
            ("/files//a/../b", "files", "/a/../b"),
        ] {
            let address = Address::of(path).unwrap();
            assert_eq!(
                (address.bucket.as_str(), address.key.as_str()),
                (bucket, key),
                "{path}"
            );
        }
        assert!(matches!(
            Address::of("/files/%FF"),
            Err(S3Error::InvalidUri)
        ));
        let long = format!("/files/{}", "x".repeat(1025));
        assert!(matches!(Address::of(&long), Err(S3Error::KeyTooLong)));
    }
}
