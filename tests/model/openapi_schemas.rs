//! The schemas of OpenAPI documents: what of them a tool has, and bounds for those that have none.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::openapi::{arguments, document, operation, read};

#[test]
fn k06_documents_that_grow_when_they_are_read_are_refused() {
    // A billion laughs, in YAML.
    let level = |level: u32| {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        format!("a{level}: &a{level} [{alias}]\n")
    };
    let levels: Vec<String> = (1..9).map(level).collect();
    let bomb = format!(
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}",
        levels.concat()
    );
    let large = format!(
        "a: &a '{}'\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(64)
    );
    let deep = format!("a: {}1{}\n", "[".repeat(100), "]".repeat(100));
    let deep_json = format!("{{\"a\": {}1{}}}", "[".repeat(100), "]".repeat(100));
    for text in [bomb, large, deep, deep_json, "a: &a [*a]\n".to_owned()] {
        let found = read(&text).err().unwrap();
        assert!(found[0].contains("that everybody reads alike"), "{found:?}");
    }
    let found = read(&format!("# {}", "x".repeat(17 << 20))).err().unwrap();
    assert_eq!(found, ["the document: it is larger than 16 MiB"]);
}

#[test]
fn schemas_may_refer_to_themselves() {
    let text = "paths:\n  /tree:\n    post:\n      requestBody: {content: {application/json: {schema: {$ref: \
                '#/components/schemas/Tree'}}}}\n\
                components: {schemas: {Tree: {type: object, properties: {branches: {type: array, items: \
                {$ref: '#/components/schemas/Tree'}}}}}}\n";
    let description = document(text);
    let tree = operation(&description, "post_tree");
    let fits = json!({ "body": { "branches": [{ "branches": [] }] } });
    tree.check_arguments(&arguments(fits)).unwrap();
    let wrong = json!({ "body": { "branches": [{ "branches": [1] }] } });
    let why = tree.check_arguments(&arguments(wrong)).unwrap_err();
    assert!(
        why.starts_with("/body/branches/0/branches/0: 1 is not of type"),
        "{why}"
    );
}

/// `POST /a` with a body of the schema `X0`, which is among these.
fn body_of(schemas: &str) -> String {
    format!(
        "paths:\n  /a:\n    post:\n      requestBody: {{content: {{application/json: {{schema: {{$ref: \
         '#/components/schemas/X0'}}}}}}}}\n      responses: {{'200': {{content: {{application/json: \
         {{schema: {{$ref: '#/components/schemas/X0'}}}}}}}}}}\ncomponents:\n  schemas:\n{schemas}"
    )
}

#[test]
fn k06_a_document_does_not_choose_how_long_a_check_takes() {
    let x0 = "{$ref: '#/components/schemas/X0'}";
    // Each level of the value doubles what there is to check.
    let doubling = format!(
        "    X0: {{type: object, properties: {{p: {{anyOf: [{x0}, {x0}]}}, q: {{type: string}}}}}}\n"
    );
    let circle = format!("    X0: {{type: object, allOf: [{x0}]}}\n");
    let link = |level: u32| {
        let next = level + 1;
        format!(
            "    X{level}: {{type: object, allOf: [{{$ref: '#/components/schemas/X{next}'}}]}}\n"
        )
    };
    let links: Vec<String> = (0..400).map(link).collect();
    let chain = format!("{}    X400: {{properties: {{p: {x0}}}}}\n", links.concat());
    let unique = "    X0: {type: object, properties: {q: {uniqueItems: true}}}\n".to_owned();
    let nested = (0..60).fold(json!({ "q": 1 }), |inner, _| json!({ "p": inner }));
    let many: Vec<usize> = (0..100_000).collect();
    for (schemas, value) in [
        (doubling, nested.clone()),
        (circle, json!({})),
        (chain, nested),
        (unique, json!({ "q": many })),
    ] {
        let description = document(&body_of(&schemas));
        let operation = operation(&description, "post_a");
        let begun = Instant::now();
        let given = arguments(json!({ "body": value }));
        let why = operation.check_arguments(&given).unwrap_err();
        assert_eq!(why, "it takes too long to check the arguments");
        assert!(operation.is_structured() && !operation.is_as_promised(&value));
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn schemas_that_are_too_large_leave_their_operation_out_and_not_the_others() {
    let words = "x".repeat(200_000);
    let text = format!(
        "paths:\n  /fine: {{get: {{responses: {{'200': {{content: {{application/json: {{schema: {{type: object, \
         properties: {{a: {{$ref: '#/components/schemas/A'}}, b: {{$ref: '#/components/schemas/B'}}}}}}}}}}}}}}}}}}\n  \
         /large: {{post: {{requestBody: {{content: {{application/json: {{schema: {{allOf: [{{$ref: \
         '#/components/schemas/A'}}, {{$ref: '#/components/schemas/B'}}]}}}}}}}}}}}}\n\
         components:\n  schemas:\n    A: {{description: {words}}}\n    B: {{description: {words}}}\n"
    );
    let description = document(&text);
    assert!(
        !description.operations[0].is_structured(),
        "nothing is promised then"
    );
    let remarks: Vec<String> = description
        .left_out
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(remarks, ["POST /large: its schemas are too large"]);
}

#[test]
fn patterns_count_for_what_they_cost() {
    let of = |count: usize| {
        let all: Vec<String> = (0..count)
            .map(|it| format!("{{pattern: '(a{{{it}}}){{2}}'}}"))
            .collect();
        format!(
            "paths:\n  /fine: {{get: {{}}}}\n  /a:\n    get:\n      parameters: [{{name: x, in: query, schema: \
             {{anyOf: [{}]}}}}]\n",
            all.join(", ")
        )
    };
    assert!(document(&of(200)).left_out.is_empty());
    let description = document(&of(300));
    let remarks: Vec<String> = description
        .left_out
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(remarks, ["GET /a: its schemas are too large"]);
}

#[test]
fn dialects_of_schemas_become_one() {
    let schema = json!({
        "type": "object", "required": ["id", "name"],
        "properties": {
            "id": { "type": "integer", "readOnly": true },
            "name": { "type": "string", "nullable": true, "enum": ["a"], "example": "a", "x-note": 1 },
            "age": { "type": "integer", "minimum": 0, "exclusiveMinimum": true },
            "password": { "type": "string", "writeOnly": true },
            "x-odd": { "type": "string" },
        },
    });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    let text = json!({
        "openapi": "3.0.3",
        "paths": { "/a": { "post": { "requestBody": body, "responses": { "201": body } } } },
    });
    let description = read(&text.to_string()).unwrap();
    let tool = &description.operations[0].tool;
    let sent = &tool["inputSchema"]["properties"]["body"];
    let name = json!({ "type": ["string", "null"], "enum": ["a", null] });
    assert_eq!(sent["required"], json!(["name"]));
    assert_eq!(sent["properties"]["name"], name);
    assert_eq!(
        sent["properties"]["age"],
        json!({ "type": "integer", "exclusiveMinimum": 0 })
    );
    assert!(sent["properties"]["password"].is_object() && sent["properties"]["x-odd"].is_object());
    let answered = &tool["outputSchema"];
    assert_eq!(answered["required"], json!(["id", "name"]));
    assert!(answered["properties"]["id"].is_object());
    assert!(answered["properties"].get("password").is_none());

    // In 3.1, what stands beside a reference counts.
    let text = "paths:\n  /a:\n    post:\n      requestBody: {content: {application/json: {schema: {$ref: \
                '#/components/schemas/A', description: Words}}}}\ncomponents: {schemas: {A: {type: [string, \
                'null'], exclusiveMinimum: 1}}}\n";
    let description = document(text);
    let schema = &description.operations[0].tool["inputSchema"];
    let body = json!({ "description": "Words", "$ref": "#/$defs/A" });
    assert_eq!(schema["properties"]["body"], body);
    assert_eq!(schema["$defs"]["A"]["type"], json!(["string", "null"]));
}
