//! `DynamoDB` and `SQS` events of SAM, and `AWS::Lambda::EventSourceMapping`: what reads a stream or
//! a queue for a function. [`Declared`] is what the template says; [`Declared::linked`] finds the
//! stream or the queue and checks what AWS checks when it creates a mapping.

use std::time::Duration;

use super::{
    destination::{self, Destination},
    settings::{filters, number, response_types, scaling, truth, unlimited},
    sources::Sources,
};
use crate::{
    event_source::Pattern,
    stack::{
        EventSource, EventSourceMapping, Function, QueueSource, StartingPosition, StreamSource,
    },
    template::{
        functions::Functions,
        problem::{Place, Problem, Problems},
        properties::Properties,
        resource::Resource,
        scope::Scope,
        yaml::Node,
    },
};

/// The largest batch of a queue without a window.
const LARGEST_WITHOUT_WINDOW: u64 = 10;
/// The least and the greatest `MaximumRecordAgeInSeconds`.
const RECORD_AGE: (u64, u64) = (60, 604_800);

/// The properties that only streams have.
const OF_STREAMS: [&str; 7] = [
    "StartingPosition",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPositionTimestamp",
];

/// What a mapping of SAM must read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Kind {
    Stream,
    Queue,
}

/// A mapping as the template declares it.
pub(in crate::template) struct Declared {
    logical_id: String,
    at: Place,
    /// The logical id of the function.
    function: String,
    /// `None` for a resource, which may read either.
    kind: Option<Kind>,
    /// The ARN of the stream or queue.
    source: Node,
    batch_size: Option<Node>,
    window: Duration,
    filters: Vec<Pattern>,
    reports_failures: bool,
    enabled: bool,
    most_concurrent: Option<usize>,
    /// The first property that only streams have.
    of_streams: Option<&'static str>,
    start: Option<Node>,
    bisects: bool,
    retries: Option<u32>,
    greatest_age: Option<Duration>,
    parallelization: usize,
    on_failure: Option<Destination>,
}

impl Declared {
    /// Reads an event of SAM. `event` is the key under `Events`.
    pub(in crate::template) fn event(
        function: &str,
        event: &str,
        at: Place,
        kind: Kind,
        properties: Properties<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let source = match kind {
            Kind::Stream => "Stream",
            Kind::Queue => "Queue",
        };
        let logical_id = format!("{function}{event}");
        let function = function.to_owned();
        let read = |_: &mut Properties<'_>| Ok(function);
        Self::read(
            logical_id,
            at,
            Some(kind),
            source,
            read,
            properties,
            problems,
        )
    }

    /// Reads an `AWS::Lambda::EventSourceMapping`.
    pub(in crate::template) fn resource(
        resource: &Resource,
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<Self> {
        let id = resource.logical_id.as_str();
        let properties = Properties::resolving(id, &resource.properties, scope);
        let properties = problems.keep(properties)?;
        let function = |properties: &mut Properties<'_>| {
            let named = properties.required("FunctionName")?;
            functions.by_name(&named)
        };
        let (id, at) = (id.to_owned(), resource.at);
        Self::read(
            id,
            at,
            None,
            "EventSourceArn",
            function,
            properties,
            problems,
        )
    }

    fn read<'p>(
        logical_id: String,
        at: Place,
        kind: Option<Kind>,
        source: &str,
        function: impl FnOnce(&mut Properties<'p>) -> Result<String, Problem>,
        mut properties: Properties<'p>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let of_streams = OF_STREAMS.into_iter().find(|name| properties.has(name));
        let function = problems.keep(function(&mut properties));
        let source = problems.keep(properties.required(source));
        let batch_size = problems.keep(properties.optional("BatchSize"));
        let window = number(&mut properties, "MaximumBatchingWindowInSeconds", 0, 300);
        let window = problems.keep(window);
        let filters = filters(&mut properties, problems);
        let reports_failures = problems.keep(response_types(&mut properties));
        let enabled = problems.keep(truth(&mut properties, "Enabled", true));
        let start = problems.keep(properties.optional("StartingPosition"));
        let bisects = truth(&mut properties, "BisectBatchOnFunctionError", false);
        let bisects = problems.keep(bisects);
        let retries = unlimited(&mut properties, "MaximumRetryAttempts", (0, 10_000));
        let retries = problems.keep(retries);
        let age = unlimited(&mut properties, "MaximumRecordAgeInSeconds", RECORD_AGE);
        let age = problems.keep(age);
        let parallelization = number(&mut properties, "ParallelizationFactor", 1, 10);
        let parallelization = problems.keep(parallelization);
        let on_failure = destination::read(&mut properties, problems);
        let most_concurrent = scaling(&mut properties, problems);
        let most_concurrent = problems.keep(most_concurrent);
        // Encryption, metrics and tags.
        properties.without_effect(&["KmsKeyArn", "LoggingConfig", "MetricsConfig", "Tags"]);
        properties.finish(problems);
        Some(Self {
            logical_id,
            at,
            function: function?,
            kind,
            source: source?,
            batch_size: batch_size?,
            window: Duration::from_secs(window?.unwrap_or(0)),
            filters: filters?,
            reports_failures: reports_failures?,
            enabled: enabled?,
            most_concurrent: most_concurrent?,
            of_streams,
            start: start?,
            bisects: bisects?,
            retries: retries?.and_then(|number| u32::try_from(number).ok()),
            greatest_age: age?.map(Duration::from_secs),
            parallelization: usize::try_from(parallelization?.unwrap_or(1)).unwrap_or(1),
            on_failure: on_failure?,
        })
    }

    /// Adds the policies that SAM adds to the role of a function that it creates.
    pub(in crate::template) fn add_policies(&self, function: &mut Function) {
        let Some(kind) = self.kind else {
            return;
        };
        let execution = match kind {
            Kind::Stream => "service-role/AWSLambdaDynamoDBExecutionRole",
            Kind::Queue => "service-role/AWSLambdaSQSQueueExecutionRole",
        };
        destination::extend(&mut function.policy, execution);
        if let Some(destination) = &self.on_failure {
            destination.add_policy(&mut function.policy);
        }
    }

    /// Returns the mapping if it is enabled and reads a stream or a queue of this template. Without
    /// one, the start says that its events never come.
    pub(in crate::template) fn linked(
        self,
        sources: &Sources<'_>,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<EventSourceMapping> {
        let arn = problems.keep(self.source.text().map(str::to_owned))?;
        let source = match (sources.table(&arn), sources.queue(&arn)) {
            (Some(table), _) if self.kind != Some(Kind::Queue) => {
                let table = problems.keep(table.map_err(|text| self.problem(&text)))?;
                self.stream(table, sources, problems)
            }
            (_, Some(queue)) if self.kind != Some(Kind::Stream) => {
                self.queue(queue, &arn, functions, problems)
            }
            _ => {
                self.announce_absent(problems);
                return None;
            }
        }?;
        self.require_permissions(&source, &arn, functions, problems);
        let default = match source {
            EventSource::Stream(_) => 100,
            EventSource::Queue(_) => 10,
        };
        let batch_size = match &self.batch_size {
            Some(node) => problems.keep(node.whole_number(1, 10_000))?,
            None => default,
        };
        if matches!(source, EventSource::Queue(_))
            && batch_size > LARGEST_WITHOUT_WINDOW
            && self.window.is_zero()
        {
            problems.add(self.problem(
                "a BatchSize of more than 10 needs a MaximumBatchingWindowInSeconds of at least 1",
            ));
        }
        self.enabled.then_some(EventSourceMapping {
            logical_id: self.logical_id,
            function: self.function,
            source,
            batch_size: usize::try_from(batch_size).unwrap_or(usize::MAX),
            window: self.window,
            filters: self.filters,
            reports_failures: self.reports_failures,
        })
    }

    fn stream(
        &self,
        table: String,
        sources: &Sources<'_>,
        problems: &mut Problems,
    ) -> Option<EventSource> {
        let start = match &self.start {
            None => Err(self.problem("StartingPosition is missing: write LATEST or TRIM_HORIZON")),
            Some(node) => match node.text() {
                Ok("LATEST") => Ok(StartingPosition::Latest),
                Ok("TRIM_HORIZON") => Ok(StartingPosition::TrimHorizon),
                _ => Err(node.expected("LATEST or TRIM_HORIZON")),
            },
        };
        let on_failure = match &self.on_failure {
            Some(destination) => destination.queue(&self.logical_id, sources, problems),
            None => None,
        };
        Some(EventSource::Stream(StreamSource {
            table,
            start: problems.keep(start)?,
            bisects: self.bisects,
            retries: self.retries,
            greatest_age: self.greatest_age,
            parallelization: self.parallelization,
            on_failure,
        }))
    }

    fn queue(
        &self,
        queue: &crate::stack::Queue,
        arn: &str,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Option<EventSource> {
        if let Some(name) = self.of_streams {
            problems.add(self.problem(&format!("{name} is for streams, and {arn} is a queue")));
            return None;
        }
        if let Some(function) = functions.read.get(&self.function)
            && function.timeout > queue.visibility_timeout
        {
            problems.add(self.problem(&format!(
                "the timeout of the function ({} s) is longer than the VisibilityTimeout of {} \
                 ({} s), so AWS refuses the mapping: make the latter at least six times as long",
                function.timeout.as_secs(),
                queue.logical_id,
                queue.visibility_timeout.as_secs()
            )));
        }
        Some(EventSource::Queue(QueueSource {
            queue: queue.name.clone(),
            most_concurrent: self.most_concurrent,
        }))
    }

    /// Adds a problem for each permission that the function's role lacks. AWS creates no mapping
    /// without them.
    fn require_permissions(
        &self,
        source: &EventSource,
        arn: &str,
        functions: &Functions,
        problems: &mut Problems,
    ) {
        // A function with problems is missing.
        let Some(function) = functions.read.get(&self.function) else {
            return;
        };
        let actions: &[&str] = match source {
            EventSource::Stream(_) => &[
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            ],
            EventSource::Queue(_) => &[
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
        };
        let mut needed: Vec<_> = actions.iter().map(|action| (*action, arn)).collect();
        if let Some(destination) = &self.on_failure
            && let Some(arn) = destination.queue_arn()
        {
            needed.push(("sqs:SendMessage", arn));
        }
        for (action, resource) in needed {
            if !destination::allows(&function.policy, action, resource) {
                problems.add(self.problem(&format!(
                    "the role of {} does not allow {action} on {resource}, so AWS refuses the \
                     mapping",
                    self.function
                )));
            }
        }
    }

    fn announce_absent(&self, problems: &mut Problems) {
        let id = &self.logical_id;
        problems.notice(
            self.at,
            format!(
                "{id}: the harness has event source mappings for streams of DynamoDB and standard \
                 queues of this template only, so these events never come"
            ),
        );
    }

    fn problem(&self, text: &str) -> Problem {
        Problem::at(self.at, format!("{}: {text}", self.logical_id))
    }
}
