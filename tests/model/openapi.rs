//! OpenAPI documents: what becomes a tool, what is left out, and every mistake.

use gatehouse::model::{ApiDescription, ApiOperation, BODY};
use http::HeaderName;
use serde_json::{Map, Value, json};

const HEAD: &str = "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\n";

pub(crate) fn read(text: &str) -> Result<ApiDescription, Vec<String>> {
    let read = ApiDescription::read(text.as_bytes(), None);
    read.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

/// A document of OpenAPI 3.1 with this after its head.
pub(crate) fn document(rest: &str) -> ApiDescription {
    read(&format!("{HEAD}{rest}")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn mistakes(rest: &str) -> Vec<String> {
    read(&format!("{HEAD}{rest}")).err().unwrap()
}

/// `GET /pets` with this in it, and one operation that is fine.
fn left_out(operation: &str) -> Vec<String> {
    let text = format!("paths:\n  /fine: {{get: {{}}}}\n  /pets:\n    get:\n{operation}");
    let description = document(&text);
    assert_eq!(description.operations.len(), 1);
    description
        .left_out
        .iter()
        .map(ToString::to_string)
        .collect()
}

pub(crate) fn operation<'a>(description: &'a ApiDescription, name: &str) -> &'a ApiOperation {
    let mut all = description.operations.iter();
    all.find(|it| it.name() == name).unwrap()
}

pub(crate) fn arguments(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn json_and_yaml_mean_the_same() {
    let json = json!({
        "openapi": "3.0.3", "info": { "title": "Pets", "version": "1" },
        "paths": { "/pets/{id}": { "get": {
            "operationId": "getPet",
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "responses": { "200": { "description": "yes" } },
        } } },
    });
    let yaml = "openapi: 3.0.3\ninfo: {title: Pets, version: '1'}\npaths:\n  /pets/{id}:\n    get:\n      \
                operationId: getPet\n      parameters:\n      - name: id\n        in: path\n        \
                required: true\n        schema: {type: string}\n      responses:\n        200:\n          \
                description: yes\n";
    let [json, yaml] = [read(&json.to_string()), read(yaml)].map(Result::unwrap);
    assert_eq!(json.operations[0].tool, yaml.operations[0].tool);
}

#[test]
fn a_text_in_yaml_is_what_yaml_1_2_has() {
    let text = "paths: {/a: {get: {parameters: [{name: x, in: query, schema: {enum: [no, 0755, 1_0, true, \
                null, 7, 0.5, 2026-01-01]}}]}}}\n";
    let description = document(text);
    let schema = &description.operations[0].tool["inputSchema"];
    let expected = json!(["no", "0755", "1_0", true, null, 7, 0.5, "2026-01-01"]);
    assert_eq!(schema["properties"]["x"]["enum"], expected);
}

#[test]
fn a_name_is_the_operation_id_or_follows_from_method_and_path() {
    let long = "a".repeat(100);
    let text = format!(
        "paths:\n  /pets/{{petId}}/photos:\n    parameters: [{{name: petId, in: path, required: true}}]\n    \
         get: {{operationId: listPhotos}}\n    post: {{operationId: 'add photo!'}}\n    put: {{}}\n    \
         head: {{operationId: {long}}}\n  /{long}: {{delete: {{}}}}\n"
    );
    let names: Vec<String> = document(&text)
        .operations
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    assert_eq!(names[0], "listPhotos");
    assert!(
        names.contains(&"post_pets_petId_photos".to_owned()),
        "{names:?}"
    );
    assert!(names.contains(&"put_pets_petId_photos".to_owned()));
    assert!(names.contains(&"head_pets_petId_photos".to_owned()));
    assert!(names.iter().all(|name| name.len() <= 95), "{names:?}");
}

#[test]
fn two_operations_with_one_name_are_an_error_that_names_them() {
    let found = mistakes("paths:\n  /a: {get: {operationId: x}}\n  /b: {put: {operationId: x}}\n");
    assert_eq!(found, ["GET /a, PUT /b: they have the one name \"x\""]);
    let found = mistakes("paths:\n  /a-b: {get: {}}\n  /a/b: {get: {}}\n");
    assert_eq!(
        found,
        ["GET /a-b, GET /a/b: they have the one name \"get_a_b\""]
    );
}

#[test]
fn the_method_says_what_is_promised() {
    let text = "paths:\n  /a: {get: {}, head: {}, put: {}, post: {}, delete: {}, patch: {}}\n";
    let description = document(text);
    for (method, read_only, destructive, idempotent) in [
        ("get", true, json!(false), true),
        ("head", true, json!(false), true),
        ("put", false, json!(true), true),
        ("post", false, Value::Null, false),
        ("delete", false, json!(true), true),
        ("patch", false, json!(true), false),
    ] {
        let hints = &operation(&description, &format!("{method}_a")).tool["annotations"];
        assert_eq!(hints["readOnlyHint"], read_only, "{method}");
        assert_eq!(hints["destructiveHint"], destructive, "{method}");
        assert_eq!(hints["idempotentHint"], idempotent, "{method}");
        assert_eq!(hints["openWorldHint"], true);
    }
}

#[test]
fn every_mistake_is_told_with_its_operation() {
    let text = "paths:\n  /a/{id}: {get: {}}\n  /b:\n    get:\n      parameters: [{name: id, in: path}]\n  \
                /c: {get: {parameters: [{in: query}]}}\n  /d: {get: {parameters: [{name: x, in: body}]}}\n  \
                /e: {get: {parameters: [{$ref: '#/components/parameters/Gone'}]}}\n  \
                /f: {get: {parameters: [{name: x, in: path, style: form}]}}\n  \
                /g: {put: {requestBody: {}}}\n  h: {get: {}}\n  /i/../j: {get: {}}\n  /k/%2e%2e/l: {get: {}}\n  \
                '/m n': {get: {}}\n  '/o?p': {get: {}}\n  /q:\n    $ref: '#/paths/~1q'\n  \
                /r: {get: {parameters: [{name: 'a b', in: header}]}}\n  /s/{: {get: {}}\n";
    let found = mistakes(text);
    let expected = [
        "GET /a/{id}: {id} of its path is not described",
        "GET /b: its path has no {id}",
        "GET /c: a parameter has no name",
        "GET /d: the parameter \"x\" is in none of path, query, header and cookie",
        "GET /e: #/components/parameters/Gone is not in the document",
        "GET /f: the style \"form\" is none of a path parameter",
        "PUT /g: its body has no content",
        "GET h: its path does not begin with a slash",
        "GET /i/../j: its path leads upwards",
        "GET /k/%2e%2e/l: its path leads upwards",
        "GET /m n: its path has characters that no path has",
        "GET /o?p: its path has characters that no path has",
        "/q: a reference goes in circles",
        "GET /r: no header can be called \"a b\"",
        "GET /s/{: a brace of its path is not closed",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_document_that_is_none_says_why() {
    for (text, why) in [
        ("", "OpenAPI 3.0 or 3.1"),
        ("{", "no JSON that everybody reads alike: EOF"),
        (
            "{\"openapi\": \"3.1.0\", \"openapi\": \"3.0.0\"}",
            "a member is named twice",
        ),
        (
            "openapi: 3.1.0\nopenapi: 3.0.0\n",
            "no YAML that everybody reads alike",
        ),
        (
            "openapi: 3.1.0\n---\nopenapi: 3.1.0\n",
            "no YAML that everybody reads alike",
        ),
        ("openapi: [", "no YAML that everybody reads alike"),
        ("swagger: '2.0'\npaths: {}\n", "OpenAPI 3.0 or 3.1"),
        ("openapi: 3.2.0\npaths: {}\n", "OpenAPI 3.0 or 3.1"),
        ("openapi: 3.1.0\n", "it has no paths"),
        (
            "openapi: 3.1.0\npaths: {}\n",
            "no operation that can be a tool",
        ),
    ] {
        let found = read(text).err().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("the document: ") && found[0].contains(why),
            "{found:?}"
        );
    }
}

#[test]
fn what_no_tool_can_be_is_left_out_and_said() {
    for (operation, why) in [
        (
            "      servers: [{url: 'https://uploads.example.com'}]\n",
            "it is at a server of its own",
        ),
        (
            "      requestBody: {content: {multipart/form-data: {}}}\n",
            "its body is neither JSON nor a form, but multipart/form-data",
        ),
        (
            "      requestBody: {content: {application/json: {schema: {$ref: 'https://evil.example/x'}}}}\n",
            "https://evil.example/x is elsewhere, and nothing but the document is read",
        ),
        (
            "      requestBody: {content: {application/json: {schema: {$ref: 'pet.yaml#/Pet'}}}}\n",
            "pet.yaml#/Pet is elsewhere, and nothing but the document is read",
        ),
        (
            "      requestBody: {content: {application/json: {schema: {$dynamicRef: '#x'}}}}\n",
            "a schema of it has $dynamicRef",
        ),
        (
            "      parameters: [{name: x, in: query, content: {application/xml: {}}}]\n",
            "its parameter \"x\" is in a format of its own",
        ),
        (
            "      parameters: [{name: x, in: query, schema: {pattern: '^(?=a)a$'}}]\n",
            "its arguments can't be checked: ",
        ),
    ] {
        let found = left_out(operation);
        assert_eq!(found.len(), 1, "{operation}");
        assert!(
            found[0].starts_with(&format!("GET /pets: {why}")),
            "{found:?}"
        );
    }
    let description = document("paths:\n  /a: {get: {}, options: {}, trace: {}}\n");
    let remarks: Vec<String> = description
        .left_out
        .iter()
        .map(ToString::to_string)
        .collect();
    let why = "its method is no tool's";
    assert_eq!(
        remarks,
        [format!("OPTIONS /a: {why}"), format!("TRACE /a: {why}")]
    );
}

#[test]
fn no_argument_is_a_header_of_the_gateways() {
    let own = [
        "Authorization",
        "authorization",
        "Host",
        "Cookie",
        "Content-Length",
        "X-Api-Key",
    ];
    let more = [
        "Transfer-Encoding",
        "X-Forwarded-For",
        "Proxy-Authorization",
        "X-HTTP-Method-Override",
    ];
    let parameters: Vec<Value> = own
        .iter()
        .chain(&more)
        .chain(&["X-Trace"])
        .map(|name| json!({ "name": name, "in": "header", "required": true }))
        .collect();
    let text = json!({
        "openapi": "3.1.0", "paths": { "/a": { "get": { "parameters": parameters } } },
    });
    let credential = HeaderName::from_static("x-api-key");
    let description = ApiDescription::read(text.to_string().as_bytes(), Some(&credential)).unwrap();
    let schema = &description.operations[0].tool["inputSchema"];
    assert_eq!(schema["required"], json!(["X-Trace"]));
    assert_eq!(schema["properties"].as_object().unwrap().len(), 1);
}

#[test]
fn parameters_of_one_name_are_told_apart() {
    let text = "paths:\n  /a/{id}:\n    post:\n      parameters:\n      - {name: id, in: path, required: true}\n      \
                - {name: id, in: query}\n      - {name: body, in: query}\n      - {name: 'filter[a]', in: query}\n      \
                requestBody: {required: true, content: {application/json: {}}}\n";
    let description = document(text);
    let schema = &description.operations[0].tool["inputSchema"];
    let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "query_id", "query_body", "filter_a", BODY]);
    assert_eq!(schema["required"], json!(["id", "body"]));
}
