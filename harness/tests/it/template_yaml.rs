//! YAML as PyYAML reads it, since SAM and cfn-lint read templates with PyYAML.

use crate::template::{load, variables};

/// Returns the value of the variable `A`, which these lines follow.
fn value(lines: &str) -> Result<String, String> {
    let template = variables("", "B: c") + lines;
    let stack = load(&template)?;
    Ok(stack.functions["Greeter"].environment["A"].clone())
}

#[test]
fn flow_collections_may_be_laid_out_in_any_way() {
    for lines in [
        "          A: !Join ['+', [\n            \"a\", b\n          ]]\n",
        "          A: !Join ['+', [\n          a, \"b\"\n          ]\n          ]\n",
        "          A: !Join ['+', [\n a,\n  'b' ]\n ]\n",
        "          A: !Join [\n    '+',\n    [a, b,],\n          ]\n",
        "          A: {\"Fn::Join\":[\"+\",[\"a\",\"b\"]]}\n",
        "          A: {\n    \"Fn::Join\": [\n      \"+\", [\"a\", \"b\"]\n    ]\n  }\n",
        "          A: !Join # why\n            - '+' # so\n            - [a, # first\n              b]\n",
        "          A: !Join ['+', [a, !Join ['', [\"\",\n          b]]]]\n",
    ] {
        assert_eq!(value(lines).as_deref(), Ok("a+b"), "{lines}");
    }
    for lines in [
        "          A: [a, b\n",
        "          A: {a: b]\n",
        "          A: !Join ['+', [a, b]] c\n",
    ] {
        let error = value(lines).unwrap_err();
        assert!(error.contains("this is not YAML"), "{lines}{error}");
    }
}
