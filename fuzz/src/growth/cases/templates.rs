use super::{super::Case, made, nested, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let resource = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      Name: ";
    let globals = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Environment:\n      Variables:\n";
    let function = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: .\n      Handler: bootstrap\n      Runtime: provided.al2023\n";
    let variables = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: .\n      Handler: bootstrap\n      Runtime: provided.al2023\n      Environment:\n        Variables:\n          A: 1\n";
    vec![
        repeated("templates", "nested flow lists", resource, "[", ""),
        nested("templates", "closed flow lists", resource, "[", "]"),
        nested("templates", "nested flow mappings", resource, "{a: ", "}"),
        nested("templates", "nested intrinsics", resource, "!Not [", "]"),
        repeated("templates", "nested block lists", resource, "- ", "x"),
        repeated("templates", "tags", resource, "!Ref ", "x"),
        repeated("templates", "question marks", resource, "? ", "x"),
        made("templates", "indentation", |count| {
            // A document of this shape is quadratic in its depth.
            let depth = 4 * (count as f64).sqrt() as usize;
            let line = |level| format!("{}a:\n", " ".repeat(level));
            (0..depth).map(line).collect::<String>()
        }),
        repeated("templates", "a long text", resource, "x", ""),
        repeated("templates", "colons", resource, ":", ""),
        repeated("templates", "hashes", resource, " #", ""),
        repeated("templates", "anchors", resource, "&a ", "x"),
        repeated("templates", "aliases", "a: &a [x]\nb: [", "*a, ", "*a]"),
        repeated(
            "templates",
            "escapes",
            &format!("{resource}\""),
            "\\u00e9",
            "\"",
        ),
        repeated("templates", "quotes", &format!("{resource}'"), "''", "'"),
        repeated("templates", "documents", resource, "x\n---\n", ""),
        repeated("templates", "directives", "", "%YAML 1.2\n", "---\na: b\n"),
        repeated("templates", "tabs", resource, "\t", ""),
        repeated("templates", "empty lines", resource, "\n", ""),
        repeated(
            "templates",
            "a block of lines",
            &format!("{resource}|\n"),
            "        x\n",
            "",
        ),
        repeated(
            "templates",
            "a folded block",
            &format!("{resource}>\n"),
            "        x\n\n",
            "",
        ),
        numbered(
            "templates",
            "keys of a mapping",
            &format!("{resource}\n"),
            |n| format!("        k{n}: v\n"),
            "",
        ),
        numbered("templates", "sections", "", |n| format!("S{n}: v\n"), ""),
        numbered(
            "templates",
            "resources",
            "Resources:\n",
            |n| format!("  R{n}:\n    Type: AWS::SNS::Topic\n"),
            "",
        ),
        numbered(
            "templates",
            "resources of an unknown type",
            "Resources:\n",
            |n| format!("  R{n}:\n    Type: X\n"),
            "",
        ),
        numbered(
            "templates",
            "unknown properties",
            variables,
            |n| format!("      P{n}: 1\n"),
            "",
        ),
        numbered(
            "templates",
            "variables",
            variables,
            |n| format!("          V{n}: 1\n"),
            "",
        ),
        numbered(
            "templates",
            "global variables",
            globals,
            |n| format!("        V{n}: 1\n"),
            function,
        ),
        numbered(
            "templates",
            "parameters",
            "Parameters:\n",
            |n| format!("  P{n}: {{Type: String, Default: a}}\n"),
            "Resources: {}\n",
        ),
        numbered(
            "templates",
            "parameters without a type",
            "Parameters:\n",
            |n| format!("  P{n}: {{}}\n"),
            "Resources: {}\n",
        ),
        numbered(
            "templates",
            "parameters of local runs",
            "Resources: {}\nMetadata:\n  Harness:\n    Parameters:\n",
            |n| format!("      P{n}: a\n"),
            "",
        ),
        numbered(
            "templates",
            "allowed values",
            "Parameters:\n  P:\n    Type: String\n    Default: a\n    AllowedValues:\n",
            |n| format!("      - v{n}\n"),
            "",
        ),
        numbered(
            "templates",
            "functions",
            "Transform: AWS::Serverless-2016-10-31\nResources:\n",
            |n| {
                format!(
                    "  F{n}:\n    Type: AWS::Serverless::Function\n    Properties: {{CodeUri: ., Handler: a, Runtime: provided.al2023}}\n"
                )
            },
            "",
        ),
        numbered(
            "templates",
            "tables",
            "Resources:\n",
            |n| format!("  T{n}: {{Type: AWS::DynamoDB::Table, Properties: {{TableName: t}}}}\n"),
            "",
        ),
    ]
}
