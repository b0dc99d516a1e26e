//! HTTP APIs that an OpenAPI document describes, mounted as servers: what their tools are, and what
//! goes out when one is called.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::house::{House, Post};
use crate::pet_shop::{LOOPBACK, Shop, YAML, call, document, text};

#[tokio::test]
async fn operations_are_tools_with_schemas_and_annotations() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    let tools = result["tools"].as_array().unwrap();
    let names = tools.iter().map(|it| it["name"].as_str().unwrap());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let expected = [
        "own_tool",
        "pets_getPet",
        "pets_listPets",
        "pets_post_pets",
        "pets_put_owners_owner_pets",
        "pets_removePet",
    ];
    assert_eq!(names, expected);
    let tool = |name: &str| tools.iter().find(|it| it["name"] == name).unwrap();

    let get = tool("pets_getPet");
    assert_eq!(get["title"], "Find a pet");
    assert_eq!(get["description"], "Find a pet");
    assert_eq!(get["inputSchema"]["required"], json!(["petId"]));
    assert_eq!(get["inputSchema"]["additionalProperties"], false);
    let hints = json!({
        "readOnlyHint": true, "idempotentHint": true, "openWorldHint": true, "destructiveHint": false,
    });
    assert_eq!(get["annotations"], hints);
    let output = &get["outputSchema"];
    assert_eq!(output["type"], "object");
    let nullable = json!({ "type": ["string", "null"] });
    assert_eq!(output["properties"]["name"], nullable);
    let age = json!({ "type": "integer", "exclusiveMinimum": 0 });
    assert_eq!(output["properties"]["age"], age);
    let parents = &output["properties"]["parents"]["items"]["$ref"];
    assert_eq!(*parents, "#/$defs/Pet");
    assert!(output["$defs"]["Pet"].is_object());

    let hints = &tool("pets_removePet")["annotations"];
    assert_eq!(hints["readOnlyHint"], false);
    assert_eq!(hints["destructiveHint"], true);
    let add = tool("pets_post_pets");
    assert_eq!(add["description"], "POST /pets");
    assert_eq!(add["inputSchema"]["required"], json!(["body"]));
    let body = &add["inputSchema"]["properties"]["body"]["$ref"];
    assert_eq!(*body, "#/$defs/Pet");
    let list = tool("pets_listPets");
    let parameters = list["inputSchema"]["properties"].as_object().unwrap();
    let parameters: Vec<&String> = parameters.keys().collect();
    assert_eq!(parameters, ["tags", "ids", "filter", "X-Trace", "session"]);
    assert!(
        list.get("outputSchema").is_none(),
        "a list is promised nothing"
    );
}

#[tokio::test]
async fn a_call_goes_out_as_the_document_says() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let more = "credentials = { kind = \"bearer\", token = { env = \"TOKEN\" } }";
    let house = shop.house(more).await;
    let result = call(&house, "pets_getPet", json!({ "petId": "4 2" })).await;
    let rex = json!({ "id": 1, "name": "Rex" });
    assert_eq!(result["structuredContent"], rex);
    assert_eq!(text(&result), r#"{"id":1,"name":"Rex"}"#);
    assert!(result.get("isError").is_none());
    let seen = shop.last();
    assert_eq!(seen.line, "GET /v1/pets/4%202");
    assert_eq!(seen.headers["authorization"], "Bearer s3cret");
    for name in [
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "content-type",
    ] {
        assert!(seen.headers.get(name).is_none(), "{name}");
    }

    let arguments = json!({
        "tags": ["a b", "c&d"], "ids": [1, 2], "filter": { "kind": "dog", "a]": "=" },
        "X-Trace": "t", "session": "a; b",
    });
    call(&house, "pets_listPets", arguments).await;
    let seen = shop.last();
    let expected =
        "GET /v1/pets?tags=a%20b&tags=c%26d&ids=1,2&filter%5Bkind%5D=dog&filter%5Ba%5D%5D=%3D";
    assert_eq!(seen.line, expected);
    assert_eq!(seen.headers["x-trace"], "t");
    assert_eq!(seen.headers["cookie"], "session=a%3B%20b");

    call(
        &house,
        "pets_post_pets",
        json!({ "body": { "name": "Rex" } }),
    )
    .await;
    let seen = shop.last();
    assert_eq!(seen.line, "POST /v1/pets");
    assert_eq!(seen.body, r#"{"name":"Rex"}"#);
    assert_eq!(seen.headers["content-type"], "application/json");

    let form = json!({ "owner": "ada", "body": { "name": "Rex & co", "tag": [1, true], "a": { "b": 1 } } });
    call(&house, "pets_put_owners_owner_pets", form).await;
    let seen = shop.last();
    assert_eq!(seen.line, "PUT /v1/owners/ada/pets");
    let expected = "name=Rex%20%26%20co&tag=1&tag=true&a=%7B%22b%22%3A1%7D";
    assert_eq!(seen.body, expected);
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(seen.headers["content-type"], kind);

    let result = call(&house, "pets_removePet", json!({ "petId": "gone" })).await;
    assert_eq!(text(&result), "The API answered 204 No Content.");
    let result = call(&house, "pets_removePet", json!({ "petId": "new" })).await;
    assert_eq!(
        text(&result),
        "The API answered 201 Created. Location: /v1/pets/7"
    );
}

#[tokio::test]
async fn a_document_in_yaml_of_openapi_3_1_is_as_good() {
    let shop = Shop::open(&json!(YAML)).await;
    let house = shop.house("").await;
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    let tools = result["tools"].as_array().unwrap();
    let tool = |name: &str| tools.iter().find(|it| it["name"] == name).unwrap();
    let search = tool("pets_searchPets");
    assert_eq!(search["description"], "Deprecated. Searches.");
    let shop_of = &search["inputSchema"]["properties"]["shop"];
    assert_eq!(*shop_of, json!({ "type": ["string", "null"] }));
    assert_eq!(tool("pets_countPets")["annotations"]["readOnlyHint"], true);
    assert_eq!(tool("pets_changePet")["outputSchema"]["type"], "object");

    let arguments = json!({
        "kind": ["dog", "cat"], "size": [1, 2], "where": { "age": 3 }, "filter": { "a": [1] },
        "shop": "x",
    });
    call(&house, "pets_searchPets", arguments).await;
    let seen = shop.last();
    let expected = "GET /v1/pets?kind%5B%5D=dog&kind%5B%5D=cat&size=1%7C2&where%5Bage%5D=3\
                    &filter=%7B%22a%22%3A%5B1%5D%7D";
    assert_eq!(seen.line, expected);
    assert_eq!(seen.headers["cookie"], "shop=x");

    let body = json!({ "name": "Rex", "expand": { "a": "b" } });
    call(&house, "pets_orderPet", json!({ "body": body })).await;
    assert_eq!(shop.last().body, "name=Rex&expand%5Ba%5D=b");
    let changed = call(
        &house,
        "pets_changePet",
        json!({ "petId": 7, "body": { "name": "Max" } }),
    )
    .await;
    assert_eq!(changed["structuredContent"]["name"], "Rex");
    let seen = shop.last();
    assert_eq!(seen.line, "PATCH /v1/pets/7");
    assert_eq!(seen.headers["content-type"], "application/merge-patch+json");
    let counted = call(&house, "pets_countPets", json!({})).await;
    assert_eq!(text(&counted), "The API answered 200 OK.");
    assert_eq!(shop.last().line, "HEAD /v1/pets");
}

#[tokio::test]
async fn what_the_api_refuses_is_for_the_model_to_read() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    for (pet, said) in [
        (
            "none",
            "The API answered 404 Not Found.\n{\"title\":\"no such pet\"}",
        ),
        (
            "forbidden",
            "The API answered 403 Forbidden.\n{\"why\":\"not yours\"}",
        ),
        ("broken", "The API answered 500 Internal Server Error.\nxxx"),
        (
            "elsewhere",
            "The API answered 307 Temporary Redirect. Redirects are not followed.",
        ),
    ] {
        for _ in 0..6 {
            let result = call(&house, "pets_getPet", json!({ "petId": pet })).await;
            assert_eq!(result["isError"], true, "{result}");
            let text = text(&result);
            assert!(text.starts_with(said), "{text}");
            assert!(text.len() < 5000, "{}", text.len());
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_promised_says_so() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    let broken = "The API answered 200 OK, but not as its description promises. What it was asked to do \
                  may be done.\n";
    for (pet, said) in [
        ("odd", "{\"name\":1}"),
        (
            "picture",
            "The API answered 200 OK with 4 bytes of \"image/png\", which can't be shown.",
        ),
    ] {
        let result = call(&house, "pets_getPet", json!({ "petId": pet })).await;
        assert_eq!(result["isError"], true, "{result}");
        assert!(result.get("structuredContent").is_none());
        assert_eq!(text(&result), format!("{broken}{said}"));
    }
    // Where nothing is promised, an answer is what it is.
    let result = call(&house, "pets_removePet", json!({ "petId": "odd" })).await;
    assert_eq!(text(&result), "{\"name\":1}");
    assert!(result.get("isError").is_none() && result.get("structuredContent").is_none());
}

#[tokio::test]
async fn arguments_that_are_not_what_the_tool_takes_are_told_to_the_model() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    for (arguments, why) in [
        (json!({}), "\"petId\" is a required property"),
        (json!({ "petId": 7 }), "/petId: 7 is not of type \"string\""),
        (
            json!({ "petId": "a", "url": "https://evil.example" }),
            "'url' was unexpected",
        ),
    ] {
        let result = call(&house, "pets_getPet", arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        let said = text(&result).replace("\\'", "'").replace("\\\"", "\"");
        assert!(said.contains(why), "{said}");
    }
    assert!(shop.lines().is_empty(), "{:?}", shop.lines());
}

#[tokio::test]
async fn the_document_may_be_at_an_address_and_gets_no_credentials() {
    let shop = Shop::open(&json!(YAML)).await;
    let more = "credentials = { kind = \"bearer\", token = { env = \"TOKEN\" } }";
    let house = House::of(&shop.remote(&format!("{LOOPBACK}\n{more}"))).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert!(names.contains(&"pets_searchPets".to_owned()), "{names:?}");
    let seen = shop.last();
    assert_eq!(seen.line, "GET /v1/openapi");
    assert!(seen.headers.get("authorization").is_none());
    call(&house, "pets_countPets", json!({})).await;
    assert_eq!(shop.last().headers["authorization"], "Bearer s3cret");
}

#[tokio::test]
async fn an_api_asks_for_scopes_as_every_server_does() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let scoped = shop.server(&format!("{LOOPBACK}\nscopes = [\"docs:use\"]"));
    let house = House::with(&scoped, "mcp:tools").await;
    let post = Post::call("pets_getPet", json!({ "petId": "1" }));
    let response = house.open(axum::http::Method::POST, post).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let house = House::with(&scoped, "mcp:tools docs:use").await;
    let result: Value = call(&house, "pets_getPet", json!({ "petId": "1" })).await;
    assert_eq!(result["structuredContent"]["name"], "Rex");
}
