//! The patterns, by target.

use super::Case;

/// Returns every case.
pub fn all() -> Vec<Case> {
    [
        frames(),
        rest(),
        tokens(),
        key_sets(),
        templates(),
        intrinsics(),
        signatures(),
        selections(),
        paths(),
        http_api(),
        policies(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn frames() -> Vec<Case> {
    let send = r#"{"action":"sendMessage","conversation":"welcome","id":"m","body":""#;
    let ping = r#"{"action":"ping","positions":{"#;
    vec![
        repeated("frames", "nested arrays", "", "[", ""),
        repeated("frames", "nested objects", "", r#"{"a":"#, ""),
        repeated("frames", "a long body", send, "x", r#""}"#),
        repeated("frames", "escapes in a body", send, r"\u00e9", r#""}"#),
        repeated("frames", "quotes in a body", send, r#"\""#, r#""}"#),
        repeated("frames", "surrogates", send, r"\ud83d\ude00", r#""}"#),
        repeated("frames", "a long action", r#"{"action":""#, "x", r#""}"#),
        repeated(
            "frames",
            "a long ref",
            r#"{"ref":""#,
            "x",
            r#"","action":"ping"}"#,
        ),
        repeated(
            "frames",
            "digits",
            r#"{"action":"subscribe","after":"#,
            "9",
            "}",
        ),
        repeated("frames", "white space", "", " ", r#"{"action":"ping"}"#),
        numbered(
            "frames",
            "unknown fields",
            r#"{"action":"ping""#,
            |n| format!(r#","f{n}":1"#),
            "}",
        ),
        numbered(
            "frames",
            "positions",
            ping,
            |n| format!(r#""c{n}":1,"#),
            r#""c":1}}"#,
        ),
        repeated(
            "frames",
            "one field again",
            r#"{"action":"ping""#,
            r#","a":1"#,
            "}",
        ),
    ]
}

fn rest() -> Vec<Case> {
    let create = "POST /conversations\n\n{\"id\":\"c\",\"participants\":[";
    let send = "POST /conversations/welcome/messages\n\n{\"id\":\"m\",\"body\":\"";
    vec![
        numbered(
            "rest",
            "participants",
            create,
            |n| format!(r#""u{n}","#),
            r#""u"]}"#,
        ),
        repeated(
            "rest",
            "one participant again",
            create,
            r#""u","#,
            r#""u"]}"#,
        ),
        repeated(
            "rest",
            "participants that are no ids",
            create,
            "{},",
            "{}]}",
        ),
        repeated(
            "rest",
            "a long title",
            "POST /conversations\n\n{\"id\":\"c\",\"title\":\"",
            "x",
            "\"}",
        ),
        repeated("rest", "a long message", send, "x", "\"}"),
        repeated("rest", "nested arrays", "POST /conversations\n\n", "[", ""),
        short("rest", "segments", "GET /conversations", "/a", "\n\n"),
        short("rest", "slashes", "GET /conversations", "/", "\n\n"),
        short("rest", "braces", "GET /conversations/", "{", "\n\n"),
        repeated(
            "rest",
            "a route key of segments",
            "GET /\nx-route: GET /conversations",
            "/a",
            "\n\n",
        ),
        short(
            "rest",
            "a long id",
            "GET /conversations/",
            "x",
            "/events\n\n",
        ),
        Case {
            most: 512,
            ..numbered(
                "rest",
                "query",
                "GET /conversations/welcome/events?after=0",
                |n| format!("&q{n}=1"),
                "\n\n",
            )
        },
        short(
            "rest",
            "one parameter again",
            "GET /conversations/welcome/events?after=0",
            "&after=1",
            "\n\n",
        ),
        short(
            "rest",
            "digits",
            "GET /conversations/welcome/events?after=",
            "9",
            "\n\n",
        ),
        repeated(
            "rest",
            "a long key",
            "POST /conversations/welcome/messages\nidempotency-key: ",
            "k",
            "\n\n{\"body\":\"x\"}",
        ),
    ]
}

fn tokens() -> Vec<Case> {
    let header = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}\n";
    let claims = r#"{"iss":"https://id.example.org","aud":"confab","exp":1900000000,"sub":"ada""#;
    let with_claims = move |more: &str| format!("{header}{claims}{more}");
    vec![
        repeated("tokens", "dots", "", ".", ""),
        repeated("tokens", "one long part", "", "a", ""),
        repeated("tokens", "commas", "", ",", ""),
        numbered(
            "tokens",
            "several tokens",
            "a",
            |n| format!(",bearer.{n}"),
            "",
        ),
        repeated("tokens", "one token again", "a", ",bearer.a", ""),
        repeated("tokens", "an origin of slashes", "https://", "/", ""),
        repeated("tokens", "a long origin", "https://", "a", ""),
        numbered(
            "tokens",
            "claims",
            &with_claims(""),
            |n| format!(r#","c{n}":1"#),
            "}",
        ),
        numbered(
            "tokens",
            "audiences",
            &with_claims(r#","aud":["#),
            |n| format!(r#""a{n}","#),
            r#""confab"]}"#,
        ),
        numbered(
            "tokens",
            "other audiences",
            &format!(
                "{header}{{\"iss\":\"https://id.example.org\",\"sub\":\"a\",\"exp\":1900000000,\"aud\":["
            ),
            |n| format!(r#""a{n}","#),
            r#""x"]}"#,
        ),
        repeated(
            "tokens",
            "a long name",
            &with_claims(r#","name":""#),
            "x",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a name of spaces",
            &with_claims(r#","name":""#),
            " ",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a name of control characters",
            &with_claims(r#","name":""#),
            r"\u0007",
            r#""}"#,
        ),
        repeated(
            "tokens",
            "a long subject",
            &format!("{header}{{\"sub\":\""),
            "x",
            "\"}",
        ),
        repeated("tokens", "nested claims", &with_claims(r#","c":"#), "[", ""),
        numbered(
            "tokens",
            "critical extensions",
            r#"{"alg":"HS256","crit":["#,
            |n| format!(r#""e{n}","#),
            "\"e\"]}\n{}",
        ),
    ]
}

fn key_sets() -> Vec<Case> {
    // The header {"alg":"ES256","kid":"k"}.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA\n";
    let set = &format!("{token}{{\"keys\":[");
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    let key = move |n: String| {
        format!(r#"{{"kty":"EC","crv":"P-256","kid":"{n}","x":"{x}","y":"{y}"}},"#)
    };
    vec![
        numbered("key_sets", "keys", set, key, "{}]}"),
        repeated(
            "key_sets",
            "one key again",
            set,
            &key("k".to_owned()),
            "{}]}",
        ),
        repeated("key_sets", "keys of no kind", set, "{},", "{}]}"),
        repeated(
            "key_sets",
            "operations",
            &format!("{set}{{\"kty\":\"EC\",\"key_ops\":["),
            "\"verify\",",
            "\"sign\"]}]}",
        ),
        repeated(
            "key_sets",
            "certificates",
            &format!("{set}{{\"kty\":\"EC\",\"x5c\":["),
            "\"MII\",",
            "\"\"]}]}",
        ),
        repeated(
            "key_sets",
            "a long modulus",
            &format!("{set}{{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\""),
            "A",
            "\"}]}",
        ),
        repeated("key_sets", "nested arrays", set, "[", ""),
    ]
}

fn templates() -> Vec<Case> {
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

fn intrinsics() -> Vec<Case> {
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

fn signatures() -> Vec<Case> {
    let credential = "Authorization: AWS4-HMAC-SHA256 Credential=AKIALOCALADMIN/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=";
    let request = "POST /\nHost: localhost\nX-Amz-Date: 20260101T000000Z\n";
    let signed = &format!("{request}{credential}host");
    let path = |path: &str| format!("POST {path}");
    let after = &format!(
        "\nHost: localhost\nX-Amz-Date: 20260101T000000Z\n{credential}host, Signature=0\n\n"
    );
    vec![
        numbered(
            "signatures",
            "signed headers",
            signed,
            |n| format!(";h{n}"),
            ", Signature=0\n\n",
        ),
        repeated(
            "signatures",
            "one signed header again",
            signed,
            ";host",
            ", Signature=0\n\n",
        ),
        made(
            "signatures",
            "a long header that is signed again",
            move |count| {
                let again = ";x".repeat(count);
                let value = "v".repeat(count);
                format!("{request}X: {value}\n{credential}host{again}, Signature=0\n\n")
            },
        ),
        repeated(
            "signatures",
            "commas",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 "),
            ",",
            "\n\n",
        ),
        repeated(
            "signatures",
            "fields",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 "),
            "a=b,",
            "\n\n",
        ),
        repeated(
            "signatures",
            "slashes in the credential",
            &format!("{request}Authorization: AWS4-HMAC-SHA256 Credential="),
            "/",
            "\n\n",
        ),
        repeated("signatures", "segments", &path("/"), "a/", after),
        repeated("signatures", "dotted segments", &path("/"), "../", after),
        repeated("signatures", "slashes", &path("/"), "/", after),
        repeated("signatures", "percent signs", &path("/"), "%", after),
        numbered(
            "signatures",
            "query",
            &path("/?"),
            |n| format!("q{n}=1&"),
            after,
        ),
        repeated("signatures", "ampersands", &path("/?"), "&", after),
        repeated("signatures", "encoded query", &path("/?"), "%41", after),
        repeated(
            "signatures",
            "white space in a header",
            &format!("{signed};x, Signature=0\nX: a"),
            " ",
            "b\n\n",
        ),
        repeated(
            "signatures",
            "words in a header",
            &format!("{signed};x, Signature=0\nX: "),
            "a ",
            "b\n\n",
        ),
        repeated(
            "signatures",
            "one header again",
            &format!("{signed};x, Signature=0\n"),
            "X: a\n",
            "\n",
        ),
        repeated(
            "signatures",
            "a long body",
            &format!("{signed}, Signature=0\n\n"),
            "x",
            "",
        ),
        repeated(
            "signatures",
            "a long date",
            &format!("POST /\nHost: localhost\n{credential}host, Signature=0\nX-Amz-Date: "),
            "2",
            "\n\n",
        ),
        repeated(
            "signatures",
            "a long signature",
            &format!("{signed}, Signature="),
            "0",
            "\n\n",
        ),
    ]
}

fn selections() -> Vec<Case> {
    let deep = "{\"a\":{\"a\":1}}";
    vec![
        repeated(
            "selections",
            "steps",
            "$request.body.a",
            ".a",
            &format!("\n{deep}"),
        ),
        repeated(
            "selections",
            "indexes",
            "$request.body.a",
            "[0]",
            &format!("\n{deep}"),
        ),
        repeated("selections", "dots", "$request.body.", ".", "\n"),
        repeated("selections", "brackets", "$request.body.a", "[", "\n"),
        repeated(
            "selections",
            "references",
            "",
            "${request.body.a}",
            &format!("\n{deep}"),
        ),
        repeated("selections", "open references", "", "${", "\n"),
        repeated("selections", "open braces", "${", "{", "\n"),
        repeated("selections", "escaped dollars", "", r"\$", "\n"),
        repeated("selections", "text", "", "é", "\n"),
        repeated(
            "selections",
            "nested message",
            "$request.body.a\n",
            "{\"a\":",
            "1",
        ),
        repeated(
            "selections",
            "a long value",
            "$request.body.a\n{\"a\":\"",
            "x",
            "\"}",
        ),
        repeated(
            "selections",
            "a list of values",
            "$request.body.a\n{\"a\":[",
            "1,",
            "1]}",
        ),
        numbered(
            "selections",
            "fields",
            "$request.body.a\n{",
            |n| format!(r#""f{n}":1,"#),
            r#""a":1}"#,
        ),
    ]
}

fn paths() -> Vec<Case> {
    let greedy = "\nANY /{proxy+}\nGET /a/{b}/{proxy+}";
    vec![
        repeated("paths", "segments", "GET /", "a/", greedy),
        repeated("paths", "slashes", "GET /", "/", greedy),
        repeated("paths", "percent signs", "GET /", "%", greedy),
        repeated("paths", "encoded characters", "GET /", "%C3%A9", greedy),
        repeated("paths", "broken characters", "GET /", "%FF", greedy),
        made("paths", "a pattern of parameters", |count| {
            format!("GET /{}\nGET /{}", "a/".repeat(count), "{p}/".repeat(count))
        }),
        made("paths", "a pattern of segments", |count| {
            format!("GET /{}\nGET /{}", "a/".repeat(count), "a/".repeat(count))
        }),
        repeated("paths", "braces", "GET /a\nGET /", "{", ""),
        repeated("paths", "closed braces", "GET /a\nGET /", "{}", ""),
        repeated("paths", "greedy parameters", "GET /a\nGET /", "{p+}/", ""),
    ]
}

// The gateway refuses heads of more than 10,240 bytes, so only bodies grow beyond that.
fn http_api() -> Vec<Case> {
    let get = "GET /a/b/c?q=1";
    let head = "\nHost: localhost\nAuthorization: Bearer x\n\n";
    let post = "POST /a\nHost: localhost\nContent-Type: application/json\n\n";
    let answer = &format!("{post}{{\"statusCode\":200,");
    vec![
        short("http_api", "one parameter again", get, "&a=b", head),
        short("http_api", "empty parameters", get, "&a", head),
        short("http_api", "ampersands", get, "&", head),
        short("http_api", "encoded parameters", get, "&%61=%62", head),
        short("http_api", "segments", "GET /p/", "a/", head),
        short("http_api", "encoded segments", "GET /p/", "%2F", head),
        short("http_api", "cookies", "GET /p/a\nCookie: ", "a=b;", head),
        short(
            "http_api",
            "lines of cookies",
            "GET /p/a\n",
            "Cookie: a\n",
            head,
        ),
        short("http_api", "one header again", "GET /p/a\n", "X: a\n", head),
        short(
            "http_api",
            "forwarded addresses",
            "GET /p/a\n",
            "X-Forwarded-For: a\n",
            head,
        ),
        short(
            "http_api",
            "dots in the host",
            "GET /p/a\nHost: ",
            "a.",
            "\n\n",
        ),
        short(
            "http_api",
            "a long origin",
            "GET /p/a\nOrigin: https://",
            "a",
            head,
        ),
        short(
            "http_api",
            "a long preflight",
            "OPTIONS /p/a\nAccess-Control-Request-Method: GET\nOrigin: https://",
            "a",
            head,
        ),
        repeated("http_api", "a body", post, "x", ""),
        repeated(
            "http_api",
            "a binary body",
            "POST /a\nContent-Type: image/png\n\n",
            "x",
            "",
        ),
        repeated("http_api", "nested answer", post, "[", ""),
        numbered(
            "http_api",
            "headers of the answer",
            &format!("{answer}\"headers\":{{"),
            |n| format!(r#""h{n}":"a","#),
            "\"a\":1}}",
        ),
        repeated(
            "http_api",
            "cookies of the answer",
            &format!("{answer}\"cookies\":["),
            "\"a=b\",",
            "\"a\"]}",
        ),
        repeated(
            "http_api",
            "a body of the answer",
            &format!("{answer}\"body\":\""),
            "a",
            "\"}",
        ),
        repeated(
            "http_api",
            "a binary body of the answer",
            &format!("{answer}\"isBase64Encoded\":true,\"body\":\""),
            "AAAA",
            "\"}",
        ),
    ]
}

fn policies() -> Vec<Case> {
    let statement =
        r#"{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/*a*b"}"#;
    let call = &format!("PutItem\n{statement}\n{{\"TableName\":\"");
    vec![
        repeated("policies", "a long name of a table", call, "a", "\"}"),
        numbered(
            "policies",
            "tables",
            &format!("BatchGetItem\n{statement}\n{{\"RequestItems\":{{"),
            |n| format!(r#""t{n}":{{}},"#),
            r#""t":{}}}"#,
        ),
        repeated(
            "policies",
            "parts of a transaction",
            &format!("TransactWriteItems\n{statement}\n{{\"TransactItems\":["),
            r#"{"Put":{"TableName":"t"}},"#,
            r#"{"Put":{"TableName":"t"}}]}"#,
        ),
        repeated(
            "policies",
            "a nested item",
            &format!("PutItem\n{statement}\n"),
            "{\"Item\":",
            "",
        ),
        repeated(
            "policies",
            "stars",
            "PutItem\n{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:",
            "*",
            "\"}\n{\"TableName\":\"abc\"}",
        ),
        numbered(
            "policies",
            "actions",
            "PutItem\n{\"Effect\":\"Allow\",\"Resource\":\"*\",\"Action\":[",
            |n| format!(r#""a:{n}","#),
            "\"a:b\"]}\n{\"TableName\":\"abc\"}",
        ),
        numbered(
            "policies",
            "resources",
            "PutItem\n{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[",
            |n| format!(r#""arn:{n}","#),
            "\"arn:b\"]}\n{\"TableName\":\"abc\"}",
        ),
    ]
}

/// The pattern between a beginning and an end.
fn repeated(target: &'static str, name: &'static str, begin: &str, unit: &str, end: &str) -> Case {
    let [begin, unit, end] = [begin, unit, end].map(str::to_owned);
    made(target, name, move |count| {
        format!("{begin}{}{end}", unit.repeat(count))
    })
}

/// The same, at most as long as the head of a request may be.
fn short(target: &'static str, name: &'static str, begin: &str, unit: &str, end: &str) -> Case {
    let case = repeated(target, name, begin, unit, end);
    Case {
        most: 8_192 / unit.len(),
        ..case
    }
}

/// Patterns within each other.
fn nested(target: &'static str, name: &'static str, begin: &str, open: &str, close: &str) -> Case {
    let [begin, open, close] = [begin, open, close].map(str::to_owned);
    made(target, name, move |count| {
        format!("{begin}{}{}", open.repeat(count), close.repeat(count))
    })
}

/// Patterns with a number of six digits each.
fn numbered(
    target: &'static str,
    name: &'static str,
    begin: &str,
    unit: impl Fn(String) -> String + 'static,
    end: &str,
) -> Case {
    let [begin, end] = [begin, end].map(str::to_owned);
    made(target, name, move |count| {
        let units: String = (0..count).map(|n| unit(format!("{n:06}"))).collect();
        format!("{begin}{units}{end}")
    })
}

fn made(
    target: &'static str,
    name: &'static str,
    input: impl Fn(usize) -> String + 'static,
) -> Case {
    Case {
        target,
        name,
        most: 1 << 18,
        input: Box::new(move |count| input(count).into_bytes()),
    }
}
