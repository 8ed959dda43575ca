use super::{super::Case, made, nested, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let variable = "Transform: AWS::Serverless-2016-10-31\nParameters:\n  P: {Type: String, Default: abc}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: .\n      Handler: bootstrap\n      Runtime: provided.al2023\n      Environment:\n        Variables:\n          A: ";
    vec![
        repeated(
            "templates",
            "references in a text",
            &format!("{variable}!Sub \""),
            "${P}",
            "\"",
        ),
        repeated(
            "templates",
            "open references",
            &format!("{variable}!Sub \""),
            "${",
            "\"",
        ),
        repeated(
            "templates",
            "literals",
            &format!("{variable}!Sub \""),
            "${!P}",
            "\"",
        ),
        repeated(
            "templates",
            "joined texts",
            &format!("{variable}!Join [\",\", ["),
            "!Ref P, ",
            "a]]",
        ),
        nested("templates", "nested joins", variable, "!Join [a, [", "x]]"),
        nested(
            "templates",
            "nested selections",
            variable,
            "!Select [0, [",
            "x]]",
        ),
        repeated(
            "templates",
            "a split text",
            &format!("{variable}!Select [0, !Split [\",\", \""),
            ",",
            "\"]]",
        ),
        numbered(
            "templates",
            "own variables",
            &format!(
                "{variable}\n            Fn::Sub:\n              - ${{V}}\n              - V: a\n"
            ),
            |n| format!("                V{n}: b\n"),
            "",
        ),
        made("templates", "a text of texts", move |count| {
            // Each level repeats the one below it twice.
            let levels = (count as f64).log2() as usize * 4;
            let open = "\"Fn::Sub\": [\"${a}${a}\", {a: {".repeat(levels);
            let close = "}}]".repeat(levels);
            format!("{variable}{{{open}Ref: P{close}}}\n")
        }),
        made("templates", "conditions of conditions", |count| {
            // Each depends on the next one twice.
            let levels = (count as f64).log2() as usize * 4;
            let condition = |n: usize| {
                let next = n + 1;
                format!("  C{n}: !And [!Condition C{next}, !Condition C{next}]\n")
            };
            let conditions: String = (0..levels).map(condition).collect();
            format!("Conditions:\n{conditions}  C{levels}: !Equals [a, a]\nResources: {{}}\n")
        }),
        made("templates", "a chain of conditions", |count| {
            let condition = |n: usize| format!("  C{n:06}: !Condition C{:06}\n", n + 1);
            let conditions: String = (0..count).map(condition).collect();
            format!("Conditions:\n{conditions}  C{count:06}: !Equals [a, a]\nResources: {{}}\n")
        }),
        made("templates", "a chain of names", |count| {
            let table = |n: usize| {
                let next = n + 1;
                format!(
                    "  T{n:06}: {{Type: AWS::DynamoDB::Table, Properties: {{TableName: !Ref T{next:06}}}}}\n"
                )
            };
            let tables: String = (0..count).map(table).collect();
            format!("Resources:\n{tables}  T{count:06}: {{Type: AWS::DynamoDB::Table}}\n")
        }),
        numbered(
            "templates",
            "conditions",
            "Conditions:\n",
            |n| format!("  C{n}: !Equals [a, b]\n"),
            "Resources: {}\n",
        ),
        numbered(
            "templates",
            "conditions that are missing",
            "Conditions:\n",
            |n| format!("  C{n}: !Condition X\n"),
            "Resources: {}\n",
        ),
    ]
}
