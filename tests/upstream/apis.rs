//! HTTP APIs that an OpenAPI document describes, mounted as servers.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use gatehouse::store::{self, ConnectOptions};
use serde_json::{Value, json};

use crate::house::{House, Post};
use crate::pet_shop::{Shop, document};

async fn call(house: &House, name: &str, arguments: Value) -> Value {
    house.result(Post::call(name, arguments)).await
}

fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().unwrap().iter();
    let texts = blocks.map(|block| block["text"].as_str().unwrap().to_owned());
    texts.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn operations_are_tools_with_schemas_and_annotations() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    let tools = result["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let expected = [
        "own_tool",
        "pets_add_pet",
        "pets_getPet",
        "pets_listPets",
        "pets_put__owners__owner__pets",
        "pets_removePet",
    ];
    assert_eq!(sorted, expected);
    let tool = |name: &str| tools.iter().find(|it| it["name"] == name).unwrap();

    let get = tool("pets_getPet");
    assert_eq!(get["title"], "Find a pet");
    assert_eq!(get["inputSchema"]["required"], json!(["petId"]));
    assert_eq!(get["inputSchema"]["additionalProperties"], false);
    let hints = json!({
        "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": true,
    });
    assert_eq!(get["annotations"], hints);
    let output = &get["outputSchema"];
    assert_eq!(output["type"], "object");
    assert_eq!(
        output["properties"]["name"],
        json!({ "type": ["string", "null"] })
    );
    assert_eq!(
        output["properties"]["age"],
        json!({ "type": "integer", "exclusiveMinimum": 0 })
    );
    let parents = &output["properties"]["parents"]["items"]["$ref"];
    assert_eq!(*parents, "#/$defs/Pet");
    assert!(output["$defs"]["Pet"].is_object());

    let hints = &tool("pets_removePet")["annotations"];
    assert_eq!(
        (
            &hints["readOnlyHint"],
            &hints["destructiveHint"],
            &hints["idempotentHint"]
        ),
        (&json!(false), &json!(true), &json!(true))
    );
    let add = tool("pets_add_pet");
    assert_eq!(add["inputSchema"]["required"], json!(["body"]));
    assert_eq!(
        add["inputSchema"]["properties"]["body"]["$ref"],
        "#/$defs/Pet"
    );
    assert_eq!(add["annotations"]["idempotentHint"], false);
    let list = tool("pets_listPets");
    let parameters = list["inputSchema"]["properties"].as_object().unwrap();
    let parameters: Vec<&String> = parameters.keys().collect();
    assert_eq!(parameters, ["tags", "ids", "filter", "X-Trace"]);
    assert!(list.get("outputSchema").is_none());
}

#[tokio::test]
async fn a_call_goes_out_as_the_document_says() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let more = "credentials = { kind = \"bearer\", token = { env = \"TOKEN\" } }";
    let house = shop.house(more).await;
    let result = call(&house, "pets_getPet", json!({ "petId": "4 2" })).await;
    assert_eq!(
        result["structuredContent"],
        json!({ "id": 1, "name": "Rex" })
    );
    assert_eq!(text(&result), r#"{"id":1,"name":"Rex"}"#);
    assert!(result.get("isError").is_none());
    let seen = shop.last();
    assert_eq!(seen.line, "GET /v1/pets/4%202");
    assert_eq!(seen.headers["authorization"], "Bearer s3cret");
    assert!(seen.headers.get("gatehouse-operation").is_none());

    let arguments = json!({
        "tags": ["a b", "c&d"], "ids": [1, 2], "filter": { "kind": "dog", "a]": "=" }, "X-Trace": "t",
    });
    call(&house, "pets_listPets", arguments).await;
    let seen = shop.last();
    let expected =
        "GET /v1/pets?tags=a%20b&tags=c%26d&ids=1,2&filter%5Bkind%5D=dog&filter%5Ba%5D%5D=%3D";
    assert_eq!(seen.line, expected);
    assert_eq!(seen.headers["x-trace"], "t");

    call(&house, "pets_add_pet", json!({ "body": { "name": "Rex" } })).await;
    let seen = shop.last();
    assert_eq!(
        (seen.line.as_str(), seen.body.as_str()),
        ("POST /v1/pets", r#"{"name":"Rex"}"#)
    );
    assert_eq!(seen.headers["content-type"], "application/json");

    let form = json!({ "owner": "ada", "body": { "name": "Rex & co", "tag": [1, true] } });
    call(&house, "pets_put__owners__owner__pets", form).await;
    let seen = shop.last();
    assert_eq!(seen.line, "PUT /v1/owners/ada/pets");
    assert_eq!(seen.body, "name=Rex+%26+co&tag=1&tag=true");

    let result = call(&house, "pets_removePet", json!({ "petId": "gone" })).await;
    assert_eq!(text(&result), "The API answered 204 No Content.");
}

#[tokio::test]
async fn k11_no_argument_leaves_its_place() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    for (argument, path) in [
        ("a/b", "a%2Fb"),
        ("x?y=1#z", "x%3Fy%3D1%23z"),
        ("{petId}", "%7BpetId%7D"),
        ("%2e%2e", "%252e%252e"),
        ("a..b", "a..b"),
        (";a=1,b", "%3Ba%3D1%2Cb"),
        ("http://evil.example/", "http%3A%2F%2Fevil.example%2F"),
    ] {
        if argument == "%2e%2e" {
            let post = Post::call("pets_getPet", json!({ "petId": argument }));
            assert_eq!(house.error(post).await.0, -32602);
            continue;
        }
        call(&house, "pets_getPet", json!({ "petId": argument })).await;
        assert_eq!(shop.last().line, format!("GET /v1/pets/{path}"));
    }
    let before = shop.lines().len();
    for argument in [
        "..",
        ".",
        "../admin",
        "a/../../b",
        "..\\admin",
        "..%2fadmin",
        "a\r\nX: y",
        "\u{0}",
        "",
        "..;/x",
    ] {
        let post = Post::call("pets_getPet", json!({ "petId": argument }));
        let (code, why) = house.error(post).await;
        assert_eq!(code, -32602, "{argument:?}");
        assert!(why.contains("petId"), "{why}");
    }
    for arguments in [
        json!({ "X-Trace": "a\r\nAuthorization: Bearer x" }),
        json!({ "X-Trace": "a\u{0}" }),
        json!({ "Authorization": "Bearer x" }),
        json!({ "session": "x" }),
        json!({ "filter": "x" }),
        json!({ "tags": [["a"]] }),
    ] {
        let post = Post::call("pets_listPets", arguments.clone());
        assert_eq!(house.error(post).await.0, -32602, "{arguments}");
    }
    let post = Post::call("pets_getPet", json!({}));
    assert_eq!(house.error(post).await.0, -32602);
    assert_eq!(shop.lines().len(), before, "{:?}", shop.lines());
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
        ("broken", "The API answered 500 Internal Server Error.\nxxx"),
        ("elsewhere", "The API answered 307 Temporary Redirect."),
        (
            "picture",
            "The API answered 200 OK with 4 bytes of another kind.",
        ),
        ("odd", "[1]"),
    ] {
        let result = call(&house, "pets_getPet", json!({ "petId": pet })).await;
        assert_eq!(result["isError"], true, "{result}");
        let text = text(&result);
        assert!(text.starts_with(said), "{text}");
        assert!(text.len() < 5000, "{}", text.len());
    }
}

#[tokio::test]
async fn an_api_has_the_bounds_of_every_server() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("max_response = 20000\ndeadline = \"1s\"").await;
    for pet in ["large", "slow"] {
        let begun = Instant::now();
        let post = Post::call("pets_getPet", json!({ "petId": pet }));
        let (code, _) = house.error(post).await;
        assert_eq!(code, -32603, "{pet}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let scoped = shop.server("allow_private = [\"127.0.0.0/8\"]\nscopes = [\"docs:use\"]");
    let house = House::with(&scoped, "mcp:tools").await;
    let call = Post::call("pets_getPet", json!({ "petId": "1" }));
    let response = house.open(axum::http::Method::POST, call).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn k08_an_api_at_a_private_address_is_not_reached_unless_the_tenant_says_so() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let https = shop.server("").replace("http://", "https://");
    let house = House::of(&https).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert_eq!(names, ["own_tool"]);
    assert!(shop.lines().is_empty());
}

#[tokio::test]
async fn the_document_may_be_at_an_address_and_gets_no_credentials() {
    let shop = Shop::open(&json!({})).await;
    let server = format!(
        "[[tenants.servers]]\nname = \"pets\"\nurl = \"{0}\"\nopenapi = \"{0}openapi.json\"\n\
         allow_private = [\"127.0.0.0/8\"]\n\
         credentials = {{ kind = \"bearer\", token = {{ env = \"TOKEN\" }} }}\n",
        shop.base
    );
    let house = House::of(&server).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert!(names.contains(&"pets_getPet".to_owned()), "{names:?}");
    let seen = shop.last();
    assert_eq!(seen.line, "GET /v1/openapi.json");
    assert!(seen.headers.get("authorization").is_none());
}

#[tokio::test]
async fn k02_another_operation_under_the_same_name_is_another_tool() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let options = ConnectOptions::default();
    let store = store::connect("sqlite::memory:", &options).await.unwrap();
    let server = shop.server("allow_private = [\"127.0.0.0/8\"]");
    let (house, _ledger) = House::on_record(&server, &store).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert!(names.contains(&"pets_getPet".to_owned()), "{names:?}");

    // The same words for something else: another replica reads it anew.
    shop.describe(&document("/admin/{petId}"));
    let (other, _ledger) = House::on_record(&server, &store).await;
    let names = other.names("tools/list", "tools", "name").await;
    assert!(!names.contains(&"pets_getPet".to_owned()), "{names:?}");
    let post = Post::call("pets_getPet", json!({ "petId": "1" }));
    assert_eq!(other.error(post).await.0, -32602);
    assert!(shop.lines().is_empty(), "{:?}", shop.lines());
    let listed = store.list_tools(&"default".parse().unwrap(), "pets").await;
    let listed = listed.unwrap();
    let changed = listed.iter().find(|it| it.name == "getPet").unwrap();
    let told: Vec<String> = changed
        .differences()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(told[0].contains("GET /admin/{petId}"), "{told:?}");
}
