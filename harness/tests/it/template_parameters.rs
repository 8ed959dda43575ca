//! What a deployment checks about the values of parameters: patterns and rules.

use crate::template::Folder;

/// Returns the error of a template with these sections and parameter values, or an empty text.
fn refused(sections: &str, values: &[(&str, &str)]) -> String {
    let template = Folder::with(&format!("{sections}\nResources: {{}}\n"));
    template.load(values).err().unwrap_or_default()
}

#[test]
fn a_value_must_match_its_pattern_as_a_whole() {
    let parameters = |kind: &str| {
        format!(
            "Parameters:
  Name:
    Type: {kind}
    AllowedPattern: '[a-z]+|[0-9]{{2}}'
    ConstraintDescription: must be letters or two digits"
        )
    };
    for (kind, value, accepted) in [
        ("String", "abc", true),
        ("String", "12", true),
        ("String", "123", false),
        ("String", "abc!", false),
        ("String", "-12", false),
        ("String", "abc\n", false),
        ("String", "", false),
        // Each item of a list.
        ("CommaDelimitedList", "abc,12", true),
        ("CommaDelimitedList", "abc, 12", true),
        ("CommaDelimitedList", "abc,123", false),
        ("CommaDelimitedList", "abc,", false),
    ] {
        let error = refused(&parameters(kind), &[("Name", value)]);
        let expected = "template.yaml:2:3: Name: the value does not match its AllowedPattern: \
                        must be letters or two digits";
        let expected = if accepted { "" } else { expected };
        assert_eq!(error, expected, "{kind} {value:?}");
    }
}

#[test]
fn a_pattern_that_cannot_be_read_is_a_notice() {
    for pattern in ["(?!a).*", "((a{100}){100}){100}", "("] {
        let template = Folder::with(&format!(
            "Parameters:\n  Name: {{Type: String, Default: a, AllowedPattern: '{pattern}'}}\nResources: {{}}\n"
        ));
        let stack = template.load(&[]).unwrap();
        assert_eq!(stack.notices.len(), 1, "{pattern}");
        let notice = &stack.notices[0];
        assert!(
            notice.ends_with("Name: the harness cannot read AllowedPattern, so only AWS checks it"),
            "{notice}"
        );
    }
}

const RULES: &str = "
Parameters:
  Keys: {Type: String, Default: ''}
  Secret: {Type: String, Default: ''}
  Size: {Type: String, Default: small}
  Zones: {Type: CommaDelimitedList, Default: 'a, b'}
Rules:
  KeysOrSecret:
    Assertions:
      - Assert: !Or [!Equals [!Ref Keys, ''], !Equals [!Ref Secret, '']]
        AssertDescription: give either keys or a secret
  LargeNeedsKeys:
    RuleCondition: !Equals [!Ref Size, large]
    Assertions:
      - Assert: !And [!Not [!Equals [!Ref Keys, '']], !Contains [[a, b, c], !Ref Keys]]
        AssertDescription: large needs keys
      - Assert:
          Fn::EachMemberIn: [!Ref Zones, [a, b, c]]
      - Assert:
          Fn::Not:
            - Fn::EachMemberEquals: [!Ref Zones, c]
        AssertDescription: not only zone c
";

#[test]
fn rules_between_parameters_are_checked() {
    let either = "template.yaml:9:9: the rule KeysOrSecret: give either keys or a secret";
    let large = "template.yaml:14:9: the rule LargeNeedsKeys: large needs keys";
    let zones = "template.yaml:16:9: the rule LargeNeedsKeys: an assertion does not hold";
    let only_c = "template.yaml:18:9: the rule LargeNeedsKeys: not only zone c";
    for (values, errors) in [
        (vec![], vec![]),
        (vec![("Keys", "k")], vec![]),
        (vec![("Keys", "k"), ("Secret", "s")], vec![either]),
        (vec![("Size", "large")], vec![large]),
        (vec![("Size", "large"), ("Keys", "k")], vec![large]),
        (vec![("Size", "large"), ("Keys", "a")], vec![]),
        (
            vec![("Size", "large"), ("Keys", "a"), ("Zones", "a,d")],
            vec![zones],
        ),
        (
            vec![("Size", "large"), ("Zones", "c, c")],
            vec![large, only_c],
        ),
    ] {
        let error = refused(RULES.trim_start(), &values);
        assert_eq!(error, errors.join("\n"), "{values:?}");
    }
}

#[test]
fn a_rule_with_another_function_is_an_error() {
    let sections = "Rules:\n  A:\n    Assertions:\n      - Assert: !ValueOf [A, B]";
    assert_eq!(
        refused(sections, &[]),
        "template.yaml:4:17: the harness does not support the function ValueOf in a rule"
    );
}
