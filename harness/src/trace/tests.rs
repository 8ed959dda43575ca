use super::*;

fn trace() -> Trace {
    Trace::new(Settings::default())
}

fn fact(name: &str) -> Fact {
    Fact::new(Kind::Dynamodb, name)
}

#[test]
fn the_memory_is_bounded_in_number_and_in_bytes() {
    let limits = Limits {
        events: 10,
        bytes: 100_000,
    };
    let trace = Trace::new(Settings {
        limits,
        bodies: false,
    });
    for number in 0..25 {
        trace.record(trace.root("a"), fact(&number.to_string()));
    }
    let batch = trace.read(0, 100);
    let names: Vec<_> = batch.events.iter().map(|event| &*event.fact.name).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "15");
    assert_eq!((batch.lost, batch.next), (15, 25));
    // Long texts are shortened, and many of them push the others out.
    for _ in 0..10 {
        let mut long = fact("long");
        for _ in 0..20 {
            long = long.with("text", "x".repeat(10_000));
        }
        trace.record(trace.root("a"), long);
    }
    let kept = trace.read(0, 100).events;
    assert!(kept.len() < 10, "{}", kept.len());
    assert!(kept.iter().map(|event| event.bytes()).sum::<usize>() <= 100_000);
}

#[test]
fn a_reader_continues_where_it_was() {
    let trace = trace();
    for name in ["a", "b", "c"] {
        trace.record(trace.root("x"), fact(name));
    }
    let first = trace.read(0, 2);
    assert_eq!((first.events.len(), first.next, first.lost), (2, 2, 0));
    let second = trace.read(first.next, 2);
    assert_eq!((second.events.len(), second.next), (1, 3));
    let nothing = trace.read(second.next, 2);
    assert_eq!(
        (nothing.events.len(), nothing.next, nothing.lost),
        (0, 3, 0)
    );
}

#[test]
fn a_call_of_a_function_belongs_to_the_invocation_of_its_header() {
    let trace = trace();
    let spans = ["one", "two"].map(|action| trace.root(action));
    let caller = Caller::Function("Send".to_owned());
    let running = spans.iter().map(|span| trace.runs("Send", span.context()));
    let running: Vec<_> = running.collect();
    for span in &spans {
        let context = span.context().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, context.header().parse().unwrap());
        let found = trace.caller(&headers, &caller).unwrap();
        assert_eq!((found.trace, found.span), (context.trace, context.span));
        // Only functions pass traces on: other callers could name any.
        assert!(trace.caller(&headers, &Caller::Administrator).is_none());
    }
    // Without a header it is known only if no other invocation of the function runs.
    let without = HeaderMap::new();
    assert!(trace.caller(&without, &caller).is_none());
    drop(running.into_iter().next());
    drop(spans);
    assert!(trace.caller(&without, &caller).is_none());
    let span = trace.root("three");
    let _running = trace.runs("Send", span.context());
    assert!(trace.caller(&without, &caller).is_some());
}

#[test]
fn bodies_are_kept_only_if_asked_for() {
    assert_eq!(trace().body("secret"), None);
    let trace = Trace::new(Settings {
        bodies: true,
        ..Settings::default()
    });
    assert_eq!(trace.body("secret").as_deref(), Some("secret"));
    assert_eq!(Trace::default().body("secret"), None);
}

#[tokio::test]
async fn a_task_has_the_context_that_it_runs_within() {
    let trace = trace();
    let root = trace.root("a");
    let inner = within(root.context().cloned(), async { trace.here() }).await;
    assert_eq!(inner.parent, root.context().map(|context| context.span));
    assert!(trace.here().context().is_none());
}

#[test]
fn an_event_is_an_object_with_the_names_of_open_telemetry() {
    let trace = trace();
    let root = trace.root("a");
    let ids = root.context().cloned().unwrap();
    let fact = fact("PutItem")
        .with("db.system.name", "aws.dynamodb")
        .level(Level::Warning);
    trace.record_that_took(root, Duration::from_micros(7), fact);
    let shown = trace.of_trace(ids.trace)[0].json();
    assert_eq!(shown["traceId"], ids.trace.to_string());
    assert_eq!(shown["spanId"], ids.span.to_string());
    assert_eq!(shown["durationMicro"], 7);
    assert_eq!(shown["level"], "warning");
    assert_eq!(shown["attributes"]["db.system.name"], "aws.dynamodb");
    assert_eq!(shown.get("body"), None);
    assert_eq!(TraceId::parse(&ids.trace.to_string()), Some(ids.trace));
}
