//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.

use std::time::Duration;

use serde_json::Value;

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::{Kind, Resource},
    scope::Scope,
    yaml::Node,
};
use crate::stack::{Bucket, CorsRule};

const METHODS: [&str; 5] = ["DELETE", "GET", "HEAD", "POST", "PUT"];
/// The lengths of a name.
const NAME: (usize, usize) = (3, 63);

/// Reads a bucket. `None` after a problem.
pub(super) fn read(resource: &Resource, scope: &Scope, problems: &mut Problems) -> Option<Bucket> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let name = properties.optional("BucketName");
    let name = name.and_then(|node| match node {
        Some(node) => bucket_name(&node),
        None => Ok(scope
            .references
            .get(id)
            .map(|it| it.id.clone())
            .unwrap_or_default()),
    });
    let name = problems.keep(name);
    let cors = cors(&mut properties, problems);
    expirations(id, &mut properties, problems);
    for (property, what) in [
        ("NotificationConfiguration", "sends no events of S3"),
        ("ObjectLockConfiguration", "locks no objects"),
        (
            "ReplicationConfiguration",
            "copies no objects to another bucket",
        ),
        ("VersioningConfiguration", "keeps one version of an object"),
        ("WebsiteConfiguration", "serves no websites from S3"),
    ] {
        if let Some(Some(node)) = problems.keep(properties.optional(property)) {
            let text = format!("{id}: the harness {what}, so {property} has no effect");
            problems.notice(node.at, text);
        }
    }
    properties.without_effect(&[
        "AbacStatus",
        "AccelerateConfiguration",
        "AccessControl",
        "AnalyticsConfigurations",
        "BucketEncryption",
        "BucketNamePrefix",
        "BucketNamespace",
        "IntelligentTieringConfigurations",
        "InventoryConfigurations",
        "LoggingConfiguration",
        "MetadataConfiguration",
        "MetadataTableConfiguration",
        "MetricsConfigurations",
        "ObjectLockEnabled",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
    ]);
    properties.finish(problems);
    Some(Bucket {
        logical_id: id.to_owned(),
        name: name?,
        cors: cors?,
        oldest_signature: None,
    })
}

/// Fails for a name that S3 does not accept.
fn bucket_name(node: &Node) -> Result<String, Problem> {
    let name = node.text()?;
    let is_valid = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '.' | '-');
    let ends = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    let fits = (NAME.0..=NAME.1).contains(&name.len());
    if fits && name.chars().all(is_valid) && ends(name.chars().next()) && ends(name.chars().last())
    {
        Ok(name.to_owned())
    } else {
        Err(node.expected(
            "the name of a bucket (3 to 63 lower-case letters, digits, dots and hyphens, with a \
             letter or digit at both ends)",
        ))
    }
}

/// Reads `CorsConfiguration`.
fn cors(properties: &mut Properties<'_>, problems: &mut Problems) -> Option<Vec<CorsRule>> {
    let configuration = properties.nested("CorsConfiguration");
    let Some(mut configuration) = problems.keep(configuration)? else {
        return Some(Vec::new());
    };
    let owner = format!("{}.CorsRules", configuration.owner());
    let rules = configuration.items("CorsRules");
    configuration.finish(problems);
    let rules: Vec<_> = rules
        .into_iter()
        .map(|node| {
            let rule = node.and_then(|node| Properties::plain(&owner, &node));
            let rule = rule.and_then(|properties| cors_rule(properties, problems));
            problems.keep(rule)
        })
        .collect();
    rules.into_iter().collect()
}

fn cors_rule(mut rule: Properties<'_>, problems: &mut Problems) -> Result<CorsRule, Problem> {
    let methods = rule.required("AllowedMethods")?;
    for method in methods.items() {
        method.one_of(&METHODS)?;
    }
    let origins = rule.required("AllowedOrigins")?;
    let mut optional = |name| rule.optional(name)?.map_or(Ok(Vec::new()), |it| it.texts());
    let headers = optional("AllowedHeaders")?;
    let exposed_headers = optional("ExposedHeaders")?;
    let max_age = match rule.optional("MaxAge")? {
        Some(node) => Some(Duration::from_secs(
            node.whole_number(0, u64::from(u32::MAX))?,
        )),
        None => None,
    };
    rule.without_effect(&["Id"]);
    rule.finish(problems);
    let origins = origins.texts()?;
    Ok(CorsRule {
        methods: methods.texts()?,
        origins,
        headers,
        exposed_headers,
        max_age,
    })
}

/// Reads `LifecycleConfiguration`. The harness has no unfinished uploads, which rules may end, and
/// says that it deletes nothing else by itself.
fn expirations(id: &str, properties: &mut Properties<'_>, problems: &mut Problems) {
    let Some(Some(node)) = problems.keep(properties.optional("LifecycleConfiguration")) else {
        return;
    };
    let rules = node.get("Rules").map(Node::items).unwrap_or_default();
    let harmless = ["AbortIncompleteMultipartUpload", "Id", "Prefix", "Status"];
    let does_more = |rule: &&Node| {
        let entries = rule.entries().unwrap_or_default();
        let is_enabled = rule
            .get("Status")
            .is_none_or(|it| it.text() != Ok("Disabled"));
        is_enabled
            && entries
                .iter()
                .any(|entry| !harmless.contains(&entry.key.as_str()))
    };
    if let Some(rule) = rules.iter().find(does_more) {
        let text = format!("{id}: the harness deletes and moves no objects by a lifecycle rule");
        problems.notice(rule.at, text);
    }
}

/// Adds what the policies of the template say to their buckets.
pub(super) fn add_policies(
    buckets: &mut [Bucket],
    resources: &[Resource],
    scope: &Scope,
    problems: &mut Problems,
) {
    for resource in resources {
        if resource.kind == Kind::BucketPolicy {
            let policy = policy(resource, buckets, scope, problems);
            problems.keep(policy);
        }
    }
}

fn policy(
    resource: &Resource,
    buckets: &mut [Bucket],
    scope: &Scope,
    problems: &mut Problems,
) -> Result<(), Problem> {
    let id = resource.logical_id.as_str();
    let mut properties = Properties::resolving(id, &resource.properties, scope)?;
    let name = properties.required("Bucket")?;
    let document = properties.required("PolicyDocument")?;
    properties.finish(problems);
    let name = name.text()?;
    let Some(bucket) = buckets.iter_mut().find(|bucket| bucket.name == name) else {
        problems.notice(
            resource.at,
            format!("{id}: the template has no such bucket"),
        );
        return Ok(());
    };
    for statement in document
        .get("Statement")
        .map(Node::items)
        .unwrap_or_default()
    {
        match effect(&statement.json()?) {
            Effect::None => {}
            Effect::Oldest(age) => {
                let oldest = bucket
                    .oldest_signature
                    .map_or(age, |before| before.min(age));
                bucket.oldest_signature = Some(oldest);
            }
            Effect::Unknown => {
                let text = format!("{id}: the harness does not evaluate this statement");
                problems.notice(statement.at, text);
            }
        }
    }
    Ok(())
}

/// What a statement means for a local run.
enum Effect {
    /// It holds anyway: all signatures are of version 4. Or it does not apply: the local services
    /// are plain HTTP.
    None,
    /// Signatures may not be older.
    Oldest(Duration),
    Unknown,
}

fn effect(statement: &Value) -> Effect {
    let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let of_everybody = matches!(
        statement.get("Principal"),
        Some(principal) if *principal == "*" || principal.get("AWS").is_some_and(|it| *it == "*")
    );
    let condition = statement.get("Condition").and_then(Value::as_object);
    let operator = condition
        .filter(|it| it.len() == 1)
        .and_then(|it| it.iter().next());
    let Some((operator, tests)) = operator.filter(|_| denies && of_everybody) else {
        return Effect::Unknown;
    };
    let test = tests
        .as_object()
        .filter(|it| it.len() == 1)
        .and_then(|it| it.iter().next());
    let Some((key, value)) = test else {
        return Effect::Unknown;
    };
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (operator.as_str(), key.as_str(), value.as_str()) {
        ("Bool", "aws:SecureTransport", "false")
        | ("NumericLessThan", "s3:TlsVersion", _)
        | ("StringNotEquals", "s3:signatureversion", "AWS4-HMAC-SHA256") => Effect::None,
        ("NumericGreaterThan", "s3:signatureAge", age) => match age.parse() {
            Ok(milliseconds) => Effect::Oldest(Duration::from_millis(milliseconds)),
            Err(_) => Effect::Unknown,
        },
        _ => Effect::Unknown,
    }
}
