//! The hashes of a body, computed while it arrives.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::error::S3Error;

/// The algorithms of `x-amz-checksum-…`. S3 also has CRC-32C, CRC-64 and newer ones.
pub(super) const ALGORITHMS: [&str; 3] = ["crc32", "sha1", "sha256"];

/// The unfinished hashes of a body.
pub(super) struct Digests {
    md5: md5::Context,
    sha256: digest::Context,
    sha1: digest::Context,
    crc32: crc32fast::Hasher,
}

/// The hashes of a body.
pub(super) struct Finished {
    md5: [u8; 16],
    sha256: digest::Digest,
    /// In base64, by algorithm.
    checksums: BTreeMap<&'static str, String>,
}

impl Digests {
    pub fn new() -> Self {
        Self {
            md5: md5::Context::new(),
            sha256: digest::Context::new(&SHA256),
            sha1: digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            crc32: crc32fast::Hasher::new(),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.consume(bytes);
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.crc32.update(bytes);
    }

    pub fn finish(self) -> Finished {
        let sha256 = self.sha256.finish();
        let sha1 = self.sha1.finish();
        let crc32 = self.crc32.finalize().to_be_bytes();
        let checksums = [
            ("crc32", BASE64_STANDARD.encode(crc32)),
            ("sha1", BASE64_STANDARD.encode(sha1.as_ref())),
            ("sha256", BASE64_STANDARD.encode(sha256.as_ref())),
        ];
        Finished {
            md5: self.md5.compute().0,
            sha256,
            checksums: checksums.into(),
        }
    }
}

impl Finished {
    /// Returns the entity tag of an object with this body.
    pub fn etag(&self) -> String {
        format!("\"{}\"", hexadecimal(&self.md5))
    }

    /// Fails if a hash that the caller gave is another one. `signed` is the hash that the signature
    /// covers, in hexadecimal digits.
    pub fn require(
        &self,
        headers: &HeaderMap,
        signed: Option<&str>,
        checksums: &BTreeMap<String, String>,
    ) -> Result<(), S3Error> {
        if signed.is_some_and(|signed| signed != self.content_sha256()) {
            return Err(S3Error::ContentHashMismatch);
        }
        self.require_md5(headers)?;
        for (algorithm, value) in checksums {
            if self.checksum(algorithm) != Some(value) {
                return Err(S3Error::BadDigest(format!(
                    "The {algorithm} you specified did not match the calculated checksum."
                )));
            }
        }
        Ok(())
    }

    fn require_md5(&self, headers: &HeaderMap) -> Result<(), S3Error> {
        let Some(given) = headers.get("content-md5") else {
            return Ok(());
        };
        let given = BASE64_STANDARD.decode(given.as_bytes());
        let given = given.map_err(|_| S3Error::InvalidDigest)?;
        if given.len() != self.md5.len() {
            return Err(S3Error::InvalidDigest);
        }
        if given != self.md5 {
            return Err(S3Error::BadDigest(
                "The Content-MD5 you specified did not match what we received.".to_owned(),
            ));
        }
        Ok(())
    }

    fn content_sha256(&self) -> String {
        hexadecimal(self.sha256.as_ref())
    }

    fn checksum(&self, algorithm: &str) -> Option<&str> {
        self.checksums.get(algorithm).map(String::as_str)
    }
}

/// Returns the number of bytes of a checksum.
pub(super) fn length(algorithm: &str) -> usize {
    match algorithm {
        "crc32" => 4,
        "sha1" => 20,
        _ => 32,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_of_a_known_text_are_right_wherever_it_is_cut() {
        for cut in 0..9 {
            let mut digests = Digests::new();
            let (first, second) = b"123456789".split_at(cut);
            digests.update(first);
            digests.update(second);
            let finished = digests.finish();
            assert_eq!(finished.etag(), "\"25f9e794323b453885f5181f1b624d0b\"");
            assert_eq!(
                finished.content_sha256(),
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
            );
            assert_eq!(finished.checksum("crc32"), Some("y/Q5Jg=="));
            assert_eq!(
                finished.checksum("sha1"),
                Some("98O8HYCOBHMq32eZZczDTKeuNEE=")
            );
        }
    }
}
