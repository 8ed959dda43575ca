//! Buckets and their policies in templates.

use std::time::Duration;

use crate::template::{load, variables};

fn with(resources: &str) -> String {
    variables("", "FILES: !Ref Files") + resources
}

#[test]
fn a_bucket_has_its_name_its_rules_and_what_its_policy_says_about_ages() {
    let template = with(
        "  Files:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption: {ServerSideEncryptionConfiguration: []}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      CorsConfiguration:
        CorsRules:
          - AllowedOrigins: !Split [',', 'http://localhost:3000,http://127.0.0.1:3000']
            AllowedMethods: [GET, PUT]
            AllowedHeaders: ['*']
            ExposedHeaders: [ETag]
            MaxAge: 600
      LifecycleConfiguration:
        Rules:
          - {Id: Unfinished, Status: Enabled, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}}
  FilesPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Files
      PolicyDocument:
        Statement:
          - Effect: Deny
            Principal: '*'
            Action: s3:*
            Resource: !Sub '${Files.Arn}/*'
            Condition: {Bool: {aws:SecureTransport: false}}
          - Effect: Deny
            Principal: '*'
            Action: s3:*
            Resource: !Sub '${Files.Arn}/*'
            Condition: {NumericGreaterThan: {s3:signatureAge: 600000}}
          - Effect: Deny
            Principal: '*'
            Action: s3:*
            Resource: !Sub '${Files.Arn}/*'
            Condition: {StringNotEquals: {s3:signatureversion: AWS4-HMAC-SHA256}}
",
    );
    let stack = load(&template).unwrap();
    assert_eq!(
        stack.functions["Greeter"].environment["FILES"],
        "local-files"
    );
    assert!(stack.notices.is_empty(), "{:?}", stack.notices);
    let [bucket] = stack.buckets.as_slice() else {
        panic!("{:?}", stack.buckets);
    };
    assert_eq!(
        (bucket.logical_id.as_str(), bucket.name.as_str()),
        ("Files", "local-files")
    );
    assert_eq!(bucket.oldest_signature, Some(Duration::from_secs(600)));
    let rule = &bucket.cors[0];
    assert_eq!(
        rule.origins,
        ["http://localhost:3000", "http://127.0.0.1:3000"]
    );
    assert_eq!(rule.methods, ["GET", "PUT"]);
    assert_eq!(rule.headers, ["*"]);
    assert_eq!(rule.exposed_headers, ["ETag"]);
    assert_eq!(rule.max_age, Some(Duration::from_secs(600)));
}

#[test]
fn what_a_bucket_does_not_do_is_a_notice() {
    let template = with(
        "  Files:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      NotificationConfiguration: {EventBridgeConfiguration: {}}
      LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationInDays: 1}]}
  FilesPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Files
      PolicyDocument:
        Statement: {Effect: Allow, Principal: '*', Action: s3:GetObject, Resource: '*'}
",
    );
    let stack = load(&template).unwrap();
    let notices: Vec<_> = stack
        .notices
        .iter()
        .map(|line| line.rsplit_once("template.yaml:").unwrap().1)
        .collect();
    let expected = [
        "the harness keeps one version of an object, so VersioningConfiguration has no effect",
        "the harness sends no events of S3, so NotificationConfiguration has no effect",
        "the harness deletes and moves no objects by a lifecycle rule",
        "FilesPolicy: the harness does not evaluate this statement",
    ];
    assert_eq!(notices.len(), expected.len(), "{notices:#?}");
    for (notice, expected) in notices.iter().zip(expected) {
        assert!(notice.ends_with(expected), "{notice}");
    }
}

#[test]
fn what_s3_rejects_is_an_error() {
    for (properties, expected) in [
        ("BucketName: Files", "the name of a bucket"),
        ("BucketName: ab", "the name of a bucket"),
        ("BucketName: -files", "the name of a bucket"),
        ("Color: red", "the harness does not support Color"),
        (
            "CorsConfiguration: {CorsRules: [{AllowedMethods: [OPTIONS], AllowedOrigins: ['*']}]}",
            "expected DELETE or GET or HEAD or POST or PUT",
        ),
        (
            "CorsConfiguration: {CorsRules: [{AllowedMethods: [GET]}]}",
            "AllowedOrigins is missing",
        ),
    ] {
        let bucket = format!("  Files: {{Type: AWS::S3::Bucket, Properties: {{{properties}}}}}\n");
        let error = load(&with(&bucket)).unwrap_err();
        assert!(error.contains(expected), "{properties}: {error}");
    }
}
