//! Templates whose size or nesting would take the harness more than linear work.

use crate::template::{load, variables};

/// Returns the error of a template.
fn error(template: &str) -> String {
    load(template).map(|_| ()).unwrap_err()
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let depth = 100_000;
    for nested in ["[", "{a: ", "!Not [", "- "] {
        let error = error(&format!("Resources:\n  {}x", nested.repeat(depth)));
        assert!(error.contains("recursion limit exceeded"), "{error}");
    }
}

#[test]
fn a_condition_is_evaluated_once_however_many_conditions_name_it() {
    // Each condition names the next one twice: 2^64 evaluations if none is kept.
    let conditions: String = (0..64)
        .map(|n| format!("  C{n}: !And [!Condition C{0}, !Condition C{0}]\n", n + 1))
        .collect();
    let template = format!("Conditions:\n{conditions}  C64: !Equals [a, a]\nResources: {{}}\n");
    load(&template).unwrap();
}

#[test]
fn a_long_chain_of_conditions_is_an_error_and_no_stack_overflow() {
    let conditions: String = (0..100_000)
        .map(|n| format!("  C{n}: !Condition C{}\n", n + 1))
        .collect();
    let template = format!("Conditions:\n{conditions}  C100000: !Equals [a, a]\nResources: {{}}\n");
    let error = error(&template);
    assert!(
        error.contains("more than 100 conditions depend on each other in a chain"),
        "{}",
        &error[..200]
    );
}

#[test]
fn a_text_of_texts_has_a_limit() {
    // Each text repeats the next one twice: 2^40 times three bytes.
    let open = "\"Fn::Sub\": [\"${a}${a}\", {a: {".repeat(40);
    let close = "}}]".repeat(40);
    let value = format!("A: {{{open}Ref: \"AWS::Region\"{close}}}");
    let error = error(&variables("", &value));
    assert!(
        error.contains("the text has more than 65536 bytes"),
        "{error}"
    );
}

#[test]
fn the_limits_of_cloudformation_hold() {
    let resources: String = (0..501)
        .map(|n| format!("  R{n}: {{Type: AWS::SNS::Topic}}\n"))
        .collect();
    let error_of_resources = error(&format!("Resources:\n{resources}"));
    assert!(
        error_of_resources
            .starts_with("template.yaml:502:3: CloudFormation accepts at most 500 resources"),
        "{error_of_resources}"
    );
    let parameters: String = (0..201)
        .map(|n| format!("  P{n}: {{Type: String, Default: a}}\n"))
        .collect();
    let error_of_parameters = error(&format!("Parameters:\n{parameters}Resources: {{}}\n"));
    assert!(
        error_of_parameters
            .contains("template.yaml:202:3: CloudFormation accepts at most 200 parameters"),
        "{error_of_parameters}"
    );
}
