//! Buckets of S3.

use std::time::Duration;

/// A bucket. All its objects are private.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// The key under `Resources`.
    pub logical_id: String,
    /// `BucketName`, or a name that is made from the logical id.
    pub name: String,
    /// `CorsConfiguration`. Without rules, pages may not call the bucket.
    pub cors: Vec<CorsRule>,
    /// The greatest age of a signature that the bucket's policy accepts.
    pub oldest_signature: Option<Duration>,
}

/// Which pages may send which requests. Each text may have one `*`.
#[derive(Clone, Debug, Default)]
pub struct CorsRule {
    /// `http://localhost:3000`, `https://*.example.com` or `*`.
    pub origins: Vec<String>,
    /// `GET`, `PUT`, `HEAD`, `POST` and `DELETE`.
    pub methods: Vec<String>,
    /// The headers that a preflight may ask for.
    pub headers: Vec<String>,
    /// The headers that a page may read.
    pub exposed_headers: Vec<String>,
    /// How long a browser keeps the answer to a preflight.
    pub max_age: Option<Duration>,
}
