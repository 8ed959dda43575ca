//! Queues and event source mappings of templates.

use std::time::Duration;

use harness::stack::{EventSource, QueueSource, Redrive, StartingPosition, StreamSource};

use crate::template::load;

/// Returns a template with a table, two queues, and a function with these events and properties.
fn template(events: &str, properties: &str, resources: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: chat
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
      StreamSpecification: {{StreamViewType: NEW_IMAGE}}
  Plain:
    Type: AWS::Serverless::SimpleTable
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      DelaySeconds: 5
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {{QueueName: chat-dead, MessageRetentionPeriod: 1209600}}
  Notify:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Timeout: 30
      Environment: {{Variables: {{QUEUE: !Ref Jobs, NAME: !GetAtt Dead.QueueName}}}}
{properties}      Events:
        Records: {events}
{resources}"
    )
}

const STREAM: &str = "{Type: DynamoDB, Properties: {Stream: !GetAtt Chat.StreamArn, \
                      StartingPosition: LATEST}}";

#[test]
fn a_stream_event_has_the_defaults_of_aws() {
    let stack = load(&template(STREAM, "", "")).unwrap();
    assert_eq!(stack.notices, [""; 0]);
    let [mapping] = stack.event_sources.as_slice() else {
        panic!("{:?}", stack.event_sources)
    };
    assert_eq!(mapping.logical_id, "NotifyRecords");
    assert_eq!(mapping.function, "Notify");
    assert_eq!((mapping.batch_size, mapping.window), (100, Duration::ZERO));
    assert!(mapping.filters.is_empty() && !mapping.reports_failures);
    let expected = StreamSource {
        table: "chat".to_owned(),
        start: StartingPosition::Latest,
        bisects: false,
        retries: None,
        greatest_age: None,
        parallelization: 1,
        on_failure: None,
    };
    assert_eq!(mapping.source, EventSource::Stream(expected));
    // The URL is local, so that no client of SQS calls AWS.
    let environment = &stack.functions["Notify"].environment;
    assert_eq!(
        environment["QUEUE"],
        "http://127.0.0.1:9324/123456789012/Jobs"
    );
    assert_eq!(environment["NAME"], "chat-dead");
}

#[test]
fn all_settings_of_a_stream_are_read() {
    let settings = "
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Chat.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            MaximumBatchingWindowInSeconds: 5
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 3
            MaximumRecordAgeInSeconds: 300
            ParallelizationFactor: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: {Filters: [{Pattern: '{\"eventName\":[\"INSERT\"]}'}]}
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}
";
    let stack = load(&template(settings, "", "")).unwrap();
    let mapping = &stack.event_sources[0];
    assert_eq!(
        (mapping.batch_size, mapping.window),
        (10, Duration::from_secs(5))
    );
    assert!(mapping.reports_failures);
    assert_eq!(mapping.filters.len(), 1);
    let expected = StreamSource {
        table: "chat".to_owned(),
        start: StartingPosition::TrimHorizon,
        bisects: true,
        retries: Some(3),
        greatest_age: Some(Duration::from_secs(300)),
        parallelization: 2,
        on_failure: Some("chat-dead".to_owned()),
    };
    assert_eq!(mapping.source, EventSource::Stream(expected));
}

#[test]
fn queues_and_their_events_are_read() {
    let event = "{Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 5, ScalingConfig: \
                 {MaximumConcurrency: 2}}}";
    let stack = load(&template(event, "", "")).unwrap();
    let expected = QueueSource {
        queue: "Jobs".to_owned(),
        most_concurrent: Some(2),
    };
    assert_eq!(stack.event_sources[0].source, EventSource::Queue(expected));
    assert_eq!(stack.event_sources[0].batch_size, 5);
    let [jobs, dead] = stack.queues.as_slice() else {
        panic!("{:?}", stack.queues)
    };
    assert_eq!(
        (jobs.name.as_str(), dead.name.as_str()),
        ("Jobs", "chat-dead")
    );
    assert_eq!(jobs.delay, Duration::from_secs(5));
    assert_eq!(jobs.visibility_timeout, Duration::from_secs(60));
    assert_eq!(dead.visibility_timeout, Duration::from_secs(30));
    assert_eq!(dead.retention, Duration::from_secs(1_209_600));
    let redrive = Redrive {
        dead_letter_queue: "chat-dead".to_owned(),
        most_receives: 3,
    };
    assert_eq!(jobs.redrive, Some(redrive));
}

#[test]
fn a_resource_maps_a_stream_with_the_permissions_of_its_role() {
    let mapping = |actions: &str| {
        format!(
            "  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{}}
      Policies:
        - PolicyName: streams
          PolicyDocument:
            Statement: {{Effect: Allow, Action: [{actions}], Resource: !GetAtt Chat.StreamArn}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Notify
      EventSourceArn: !GetAtt Chat.StreamArn
      StartingPosition: LATEST
"
        )
    };
    let role = "      Role: !GetAtt Role.Arn\n";
    let none = "{Type: S3, Properties: {}}";
    let all = "'dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', \
               'dynamodb:ListStreams'";
    let stack = load(&template(none, role, &mapping(all))).unwrap();
    assert_eq!(stack.event_sources[0].logical_id, "Mapping");
    let error = load(&template(none, role, &mapping("'dynamodb:GetRecords'"))).unwrap_err();
    for action in ["DescribeStream", "GetShardIterator", "ListStreams"] {
        let expected = format!("the role of Notify does not allow dynamodb:{action} on arn:");
        assert!(error.contains(&expected), "{error}");
    }
    assert!(!error.contains("GetRecords"), "{error}");
}

#[test]
fn a_disabled_mapping_reads_nothing() {
    let disabled = STREAM.replace("LATEST", "LATEST, Enabled: false");
    let stack = load(&template(&disabled, "", "")).unwrap();
    assert!(stack.event_sources.is_empty());
}

#[test]
fn what_aws_refuses_or_the_harness_does_not_know_is_an_error() {
    let stream = |more: &str| STREAM.replace("LATEST", &format!("LATEST, {more}"));
    let queue =
        |more: &str| format!("{{Type: SQS, Properties: {{Queue: !GetAtt Jobs.Arn{more}}}}}");
    let cases = [
        (
            stream("BatchSize: 10001"),
            "expected a whole number from 1 to 10000",
        ),
        (
            stream("MaximumBatchingWindowInSeconds: 301"),
            "from 0 to 300",
        ),
        (
            stream("MaximumRetryAttempts: -2"),
            "expected -1, or a whole number",
        ),
        (
            stream("MaximumRecordAgeInSeconds: 59"),
            "expected -1, or a whole number",
        ),
        (stream("ParallelizationFactor: 11"), "from 1 to 10"),
        (
            stream("TumblingWindowInSeconds: 5"),
            "does not support TumblingWindowInSeconds",
        ),
        (
            stream("FunctionResponseTypes: [Other]"),
            "expected ReportBatchItemFailures",
        ),
        (
            stream("FilterCriteria: {Filters: [{Pattern: '{\"a\":[{\"wildcard\":\"b\"}]}'}]}"),
            "a: the harness does not know the rule {\"wildcard\":\"b\"}",
        ),
        (
            stream("FilterCriteria: {Filters: [{Pattern: 'x'}]}"),
            "a pattern is a JSON object",
        ),
        (
            stream("DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}"),
            "the role of Notify does not allow sqs:SendMessage",
        ),
        (
            STREAM.replace("LATEST", "NOW"),
            "expected LATEST or TRIM_HORIZON",
        ),
        (
            STREAM.replace("Chat", "Plain"),
            "the table Plain has no stream",
        ),
        (
            queue(", StartingPosition: LATEST"),
            "StartingPosition is for streams",
        ),
        (
            queue(", BatchSize: 11"),
            "needs a MaximumBatchingWindowInSeconds of at least 1",
        ),
        (
            queue("").replace("Jobs", "Dead"),
            "the timeout of the function (40 s) is longer than the VisibilityTimeout of Dead (30 s)",
        ),
    ];
    for (event, expected) in cases {
        let slow = template(&event, "", "").replace("Timeout: 30", "Timeout: 40");
        let error = load(&slow).unwrap_err();
        assert!(error.contains(expected), "{event}\n{error}");
    }
    let redrive = template(STREAM, "", "").replace("!GetAtt Dead.Arn, max", "arn:aws:sqs:x, max");
    let error = load(&redrive).unwrap_err();
    assert!(error.contains("expected deadLetterTargetArn"), "{error}");
}

#[test]
fn sources_that_the_harness_does_not_have_are_reported_and_the_rest_runs() {
    let fifo = "  Orders: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  Other:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt Notify.Arn
      EventSourceArn: arn:aws:kinesis:us-east-1:123456789012:stream/x
      StartingPosition: LATEST
";
    let event = "{Type: SQS, Properties: {Queue: !GetAtt Orders.Arn}}";
    let stack = load(&template(event, "", fifo)).unwrap();
    assert!(stack.event_sources.is_empty());
    let notices = stack.notices.join("\n");
    for expected in [
        "Orders: the harness has no FIFO queues, so calls of this queue fail",
        "NotifyRecords: the harness has event source mappings for streams",
        "Other: the harness has event source mappings for streams",
    ] {
        assert!(notices.contains(expected), "{notices}");
    }
}
