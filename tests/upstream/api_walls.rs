//! What an HTTP API, its document and the arguments of its tools can't do.

use std::time::{Duration, Instant};

use gatehouse::store::{self, ConnectOptions};
use serde_json::{Value, json};

use crate::fake_upstream::{FakeUpstream, Reply};
use crate::house::{House, Post};
use crate::pet_shop::{LOOPBACK, Shop, call, document, text};

async fn unreachable(house: &House) -> Value {
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    assert_eq!(result["tools"].as_array().unwrap().len(), 1, "{result}");
    result["_meta"]["gatehouse/unreachable"].clone()
}

/// An address where nobody answers, but can be seen to knock.
fn nobody() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("https://localhost:{port}/"))
}

fn was_visited(listener: &std::net::TcpListener) -> bool {
    listener.accept().is_ok()
}

#[tokio::test]
async fn k11_no_argument_leaves_its_place() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("").await;
    for (argument, path) in [
        ("x?y=1#z", "x%3Fy%3D1%23z"),
        ("{petId}", "%7BpetId%7D"),
        ("a..b", "a..b"),
        (";a=1,b", "%3Ba%3D1%2Cb"),
        ("http:evil.example", "http%3Aevil.example"),
        ("@evil.example", "%40evil.example"),
    ] {
        call(&house, "pets_getPet", json!({ "petId": argument })).await;
        assert_eq!(shop.last().line, format!("GET /v1/pets/{path}"));
    }
    let before = shop.lines().len();
    for argument in [
        "..",
        ".",
        "a/b",
        "../admin",
        "a/../../b",
        "..\\admin",
        "..%2fadmin",
        "..%2Fadmin",
        "%2e%2e",
        "%252e%252e%252fadmin",
        "a\r\nX: y",
        "a%0d%0ab",
        "\u{0}",
        "",
        "..;/x",
        "//evil.example/",
    ] {
        let result = call(&house, "pets_getPet", json!({ "petId": argument })).await;
        assert_eq!(result["isError"], true, "{argument:?}");
        assert!(text(&result).contains("petId"), "{argument:?}");
    }
    for arguments in [
        json!({ "X-Trace": "a\r\nAuthorization: Bearer x" }),
        json!({ "X-Trace": "a\u{0}" }),
        json!({ "X-Trace": "ä" }),
        json!({ "Authorization": "Bearer x" }),
        json!({ "filter": "x" }),
        json!({ "filter": { "a": { "b": "c" } } }),
        json!({ "tags": [["a"]] }),
    ] {
        let result = call(&house, "pets_listPets", arguments.clone()).await;
        assert_eq!(result["isError"], true, "{arguments}");
    }
    assert_eq!(shop.lines().len(), before, "{:?}", shop.lines());
}

#[tokio::test]
async fn k09_a_document_does_not_choose_where_credentials_go() {
    let (evil, _) = nobody();
    let there = format!("http://{}", evil.local_addr().unwrap());
    let get = |id: &str| json!({ "operationId": id });
    let text = json!({
        "openapi": "3.1.0", "servers": [{ "url": there }],
        "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "query", "name": "key" } } },
        "paths": {
            "/pets": { "get": get("here") },
            format!("//{}/pets", evil.local_addr().unwrap()): { "get": get("slashes") },
            "/@evil.example/": { "get": get("at") },
            "/uploads": { "servers": [{ "url": there }], "get": get("path_elsewhere") },
            "/downloads": { "get": { "operationId": "elsewhere", "servers": [{ "url": there }] } },
        },
    });
    let shop = Shop::open(&text).await;
    let more = "credentials = { kind = \"bearer\", token = { env = \"TOKEN\" } }";
    for server in [shop.server(LOOPBACK), shop.remote(LOOPBACK)] {
        let house = House::of(&format!("{server}{more}\n")).await;
        let names = house.names("tools/list", "tools", "name").await;
        assert_eq!(names, ["own_tool", "pets_here", "pets_slashes", "pets_at"]);
        for (name, line) in [
            ("pets_here", "GET /v1/pets".to_owned()),
            (
                "pets_slashes",
                format!("GET /v1{}/pets", there.replace("http:", "")),
            ),
            ("pets_at", "GET /v1/@evil.example/".to_owned()),
        ] {
            call(&house, name, json!({})).await;
            assert_eq!(shop.last().line, line);
            assert_eq!(shop.last().headers["authorization"], "Bearer s3cret");
        }
    }
    assert!(!was_visited(&evil), "somebody went there");
}

#[tokio::test]
async fn k08_an_api_at_a_private_address_is_not_reached_unless_the_tenant_says_so() {
    let (private, there) = nobody();
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let [here, away] =
        [shop.server(""), shop.remote("")].map(|text| text.replace(&shop.base, &there));
    // Its document is here, and the API itself is not to be reached.
    let house = House::of(&here).await;
    let post = Post::call("pets_getPet", json!({ "petId": "1" }));
    let (code, why) = house.error(post).await;
    assert_eq!(code, -32603);
    assert!(why.contains("can't be reached"), "{why}");
    let house = House::of(&away).await;
    assert_eq!(unreachable(&house).await, json!(["pets"]));
    // An address that is written as such does not get so far.
    let written = here.replace("localhost", "127.0.0.1");
    let names = House::of(&written)
        .await
        .names("tools/list", "tools", "name")
        .await;
    assert_eq!(names, ["own_tool"]);
    assert!(!was_visited(&private), "somebody went there");
    // It could have been.
    let house = House::of(&format!("{away}{LOOPBACK}\n")).await;
    assert_eq!(unreachable(&house).await, json!(["pets"]));
    assert!(was_visited(&private));
}

#[tokio::test]
async fn k10_redirects_are_followed_neither_by_the_api_nor_by_its_document() {
    let away = FakeUpstream::start(|_| Reply::Status(200, Vec::new())).await;
    let to = away.url.clone();
    let script = move |_: &_| Reply::Status(302, vec![("location", to.clone())]);
    let redirecting = FakeUpstream::start(script).await;
    let server = |openapi: &str| {
        format!(
            "[[tenants.servers]]\nname = \"pets\"\nurl = \"{}\"\nopenapi = \"{openapi}\"\n{LOOPBACK}\n\
             credentials = {{ kind = \"bearer\", token = {{ env = \"TOKEN\" }} }}\n",
            redirecting.url
        )
    };
    let house = House::of(&server(&redirecting.url)).await;
    assert_eq!(unreachable(&house).await, json!(["pets"]));

    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = House::of(&server(&format!("{}openapi", shop.base))).await;
    let result = call(&house, "pets_getPet", json!({ "petId": "1" })).await;
    assert!(
        text(&result).contains("302 Found. Redirects are not followed."),
        "{result}"
    );
    assert!(away.seen().is_empty());
}

#[tokio::test]
async fn a_document_at_an_address_that_is_none_is_a_server_that_can_not_be_reached() {
    let shop = Shop::open(&json!({})).await;
    for text in [
        json!("<html>"),
        json!({ "openapi": "3.1.0", "paths": { "/a/{b}": { "get": {} } } }),
        json!({ "openapi": "3.1.0", "paths": {} }),
        json!(format!("openapi: 3.1.0\n# {}", "x".repeat(17 << 20))),
    ] {
        shop.describe(&text);
        let house = House::of(&shop.remote(LOOPBACK)).await;
        assert_eq!(unreachable(&house).await, json!(["pets"]));
    }
    let gone = shop.remote(LOOPBACK).replace("/openapi\"", "/pets/none\"");
    let house = House::of(&gone).await;
    assert_eq!(unreachable(&house).await, json!(["pets"]));
}

#[tokio::test]
async fn k04_an_api_has_the_bounds_of_every_server() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let house = shop.house("max_response = 20000\ndeadline = \"1s\"").await;
    for (pet, why) in [("large", "larger than it may be"), ("slow", "in time")] {
        let begun = Instant::now();
        let post = Post::call("pets_getPet", json!({ "petId": pet }));
        let (code, text) = house.error(post).await;
        assert_eq!(code, -32603, "{pet}");
        assert!(text.contains(why), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn r23_an_api_that_is_away_is_left_alone_for_a_while() {
    let (listener, _) = nobody();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let server = shop.server(LOOPBACK);
    let house = House::of(&server.replace(&shop.base, &format!("http://{address}/"))).await;
    let mut last = String::new();
    for _ in 0..7 {
        let post = Post::call("pets_getPet", json!({ "petId": "1" }));
        last = house.error(post).await.1;
    }
    assert!(last.contains("failed several times"), "{last}");
    // Its document is here, and so are its tools.
    let names = house.names("tools/list", "tools", "name").await;
    assert!(names.contains(&"pets_getPet".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_refusal_of_the_credentials_is_nobodys_else_business() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let more = "credentials = { kind = \"bearer\", token = { env = \"TOKEN\" } }";
    let house = shop.house(more).await;
    for _ in 0..8 {
        let post = Post::call("pets_getPet", json!({ "petId": "closed" }));
        let (code, text) = house.error(post).await;
        assert_eq!(code, -32603);
        assert!(text.contains("does not let the gateway in"), "{text}");
    }
    // What one person is refused does not close the API for the others.
    let result = call(&house, "pets_getPet", json!({ "petId": "1" })).await;
    assert_eq!(result["structuredContent"]["name"], "Rex");
}

#[tokio::test]
async fn k02_another_operation_under_the_same_name_is_another_tool() {
    let shop = Shop::open(&document("/pets/{petId}")).await;
    let options = ConnectOptions::default();
    let store = store::connect("sqlite::memory:", &options).await.unwrap();
    let server = shop.remote(LOOPBACK);
    let (house, _ledger) = House::on_record(&server, &store).await;
    let names = house.names("tools/list", "tools", "name").await;
    assert!(names.contains(&"pets_getPet".to_owned()), "{names:?}");

    // The same words for something else: another replica reads it anew.
    shop.describe(&document("/admin/{petId}"));
    let (other, _ledger) = House::on_record(&server, &store).await;
    let names = other.names("tools/list", "tools", "name").await;
    assert!(!names.contains(&"pets_getPet".to_owned()), "{names:?}");
    let before = shop.lines().len();
    let post = Post::call("pets_getPet", json!({ "petId": "1" }));
    assert_eq!(other.error(post).await.0, -32602);
    assert_eq!(shop.lines().len(), before, "{:?}", shop.lines());
    let listed = store.list_tools(&"default".parse().unwrap(), "pets").await;
    let listed = listed.unwrap();
    let changed = listed.iter().find(|it| it.name == "getPet").unwrap();
    let differences = changed.differences();
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("GET /admin/{petId}"), "{told:?}");
}
