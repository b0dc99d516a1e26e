//! Clients that are known by the URL of their metadata document (catalogue D, H04).

use gatehouse::model::DocumentTrust;
use serde_json::{Value, json};

use crate::support::{CALLBACK, Page, Server, Web, authorization};

const HOST: &str = "client.example.com";
const PATH: &str = "/oauth/client.json";

/// A document as hosts in the field publish it, with a grant that nobody here knows.
fn document(url: &str) -> Value {
    json!({
        "client_id": url,
        "client_name": "Example Assistant",
        "client_uri": "https://client.example.com",
        "redirect_uris": [CALLBACK, "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token",
                        "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

/// A web with a client at its usual place.
async fn web_with_client() -> (Web, String) {
    let web = Web::start().await;
    let url = web.url(HOST, PATH);
    web.serve(PATH, Page::json(&document(&url)));
    (web, url)
}

/// The page that is all that a person sees of a client that can't be checked.
async fn refusal(server: &Server, client: &str) -> String {
    let state = server.state().await;
    let path = format!("/authorize?{}", authorization(client, &[]));
    let answer = server.get("t1", &path).await;
    answer.assert_page(400);
    assert!(answer.body.contains("could not be checked"), "{client}");
    assert_eq!(server.state().await, state);
    answer.body
}

#[tokio::test]
async fn a_client_connects_by_the_url_of_its_document() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let tokens = server.tokens("t1", &url, "alice").await;
    let claims = server.claims("t1", &tokens);
    assert_eq!(claims.client_id.as_str(), url);
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(server.refresh("t1", &url, token, &[]).await.status, 200);
    assert_eq!(web.connections(), 1);
}

#[tokio::test]
async fn consent_says_verified_only_where_the_host_vouches_for_itself() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let mut browser = server.browser("t1");
    let request = authorization(&url, &[]);
    let page = browser.consent_page("alice", &request).await;
    assert!(page.body.contains("is verified"));
    let native = [("redirect_uri", "http://127.0.0.1:5123/callback")];
    let request = authorization(&url, &native);
    let page = browser.get(&format!("/authorize?{request}")).await;
    assert!(page.body.contains("It is unverified"), "{}", page.body);
}

#[tokio::test]
async fn d01_d02_special_addresses_get_no_packet() {
    let web = Web::start().await;
    let server = Server::start_on(&web).await;
    let inside = crate::support::INSIDE;
    let mut addresses: Vec<std::net::IpAddr> = vec![inside];
    for text in [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::7f00:1",
        "2a00::5efe:7f00:1",
    ] {
        addresses.push(text.parse().unwrap());
    }
    for (index, address) in addresses.into_iter().enumerate() {
        let host = format!("name{index}.example.com");
        web.name(&host, vec![vec![address]]);
        refusal(&server, &web.url(&host, PATH)).await;
    }
    for host in [
        "127.0.0.2",
        "0177.0.0.2",
        "0x7f000002",
        "2130706434",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "localhost.",
        "inside.example.com.",
        "[fe80::1%25eth0]",
    ] {
        refusal(&server, &web.url(host, PATH)).await;
    }
    assert_eq!((web.connections(), web.intrusions()), (0, 0));
}

#[tokio::test]
async fn d03_d04_a_name_is_as_bad_as_its_worst_address() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let good: std::net::IpAddr = "127.0.0.1".parse().unwrap();
    let bad = crate::support::INSIDE;
    web.name("mixed.example.com", vec![vec![good, bad]]);
    refusal(&server, &web.url("mixed.example.com", PATH)).await;
    assert_eq!(web.connections(), 0);
    // The first answer is what is connected to; the second one is looked at anew and refused.
    web.name(HOST, vec![vec![good], vec![bad]]);
    server.tokens("t1", &url, "alice").await;
    refusal(&server, &web.url(HOST, "/other.json")).await;
    assert_eq!((web.connections(), web.intrusions()), (1, 0));
}

#[tokio::test]
async fn d05_d07_d08_d13_whatever_goes_wrong_reads_the_same() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let page = |body: &str| Page {
        body: body.to_owned(),
        ..Page::json(&Value::Null)
    };
    let location = format!("location: {url}");
    let moved = Page {
        status: "302 Found",
        ..page("").with(&location)
    };
    web.serve("/moved", moved);
    web.serve("/large", page(&"x".repeat(32 * 1024 + 1)));
    web.serve("/gzip", page("x").with("content-encoding: gzip"));
    web.serve("/slow", page("{").with("x-test: stall"));
    let mut texts = vec![refusal(&server, &web.url("name.example.org", PATH)).await];
    for path in ["/moved", "/large", "/gzip", "/slow", "/missing"] {
        texts.push(refusal(&server, &web.url(HOST, path)).await);
    }
    // A port that the guard does not let through, and plain http.
    texts.push(refusal(&server, "https://client.example.com/client.json").await);
    assert!(texts.iter().all(|text| *text == texts[0]));
    // The redirect went nowhere.
    assert_eq!(web.connections(), 6);
}

#[tokio::test]
async fn d09_a_document_that_breaks_a_rule_is_refused() {
    let web = Web::start().await;
    let server = Server::start_on(&web).await;
    for (index, (member, value)) in [
        ("client_id", json!("https://other.example.com/client.json")),
        ("client_name", Value::Null),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("client_secret", json!("shared")),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("grant_types", json!(["client_credentials"])),
        ("response_types", json!(["token"])),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/{index}.json");
        let url = web.url(HOST, &path);
        let mut document = document(&url);
        document[member] = value;
        web.serve(&path, Page::json(&document));
        refusal(&server, &url).await;
    }
    let url = web.url(HOST, "/page");
    let html = "content-type: text/html\r\n".to_owned();
    let page = Page {
        headers: html,
        ..Page::json(&document(&url))
    };
    web.serve("/page", page);
    refusal(&server, &url).await;
    web.serve("/list", Page::json(&json!([])));
    refusal(&server, &web.url(HOST, "/list")).await;
    for path in ["/", "/a/../b", "/a/%2e%2e/b", "/a#b"] {
        refusal(&server, &web.url(HOST, path)).await;
    }
    refusal(&server, &format!("https://user@{HOST}:{}/a", web.port)).await;
}

#[tokio::test]
async fn d12_a_document_is_fetched_once_and_one_host_only_so_often() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let path = format!("/authorize?{}", authorization(&url, &[]));
    let requests = (0..20).map(|_| server.get("t1", &path));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.status, 303);
    }
    assert_eq!(web.connections(), 1);
    for index in 0..40 {
        refusal(&server, &web.url(HOST, &format!("/{index}"))).await;
    }
    assert_eq!(web.connections(), 30);
    // A failure is remembered for a while as well.
    refusal(&server, &web.url(HOST, "/0")).await;
    assert_eq!(web.connections(), 30);
}

#[tokio::test]
async fn d07_a_good_copy_stands_in_for_a_week() {
    let (web, url) = web_with_client().await;
    let page = Page::json(&document(&url)).with("cache-control: max-age=600");
    web.serve(PATH, page);
    let server = Server::start_on(&web).await;
    let path = format!("/authorize?{}", authorization(&url, &[]));
    assert_eq!(server.get("t1", &path).await.status, 303);
    server.clock.advance(599);
    assert_eq!(server.get("t1", &path).await.status, 303);
    assert_eq!(web.connections(), 1);
    web.serve(
        PATH,
        Page {
            status: "403 Forbidden",
            ..Page::json(&Value::Null)
        },
    );
    server.clock.advance(1);
    assert_eq!(server.get("t1", &path).await.status, 303);
    assert_eq!(web.connections(), 2);
    server.clock.advance(7 * 24 * 3600);
    refusal(&server, &url).await;
}

#[tokio::test]
async fn h04_each_tenant_sees_its_own_copy() {
    let (web, url) = web_with_client().await;
    let server = Server::start_on(&web).await;
    let path = format!("/authorize?{}", authorization(&url, &[]));
    assert_eq!(server.get("t1", &path).await.status, 303);
    let mut changed = document(&url);
    changed["redirect_uris"] = json!(["https://elsewhere.example.com/callback"]);
    web.serve(PATH, Page::json(&changed));
    assert_eq!(server.get("t1", &path).await.status, 303);
    server.get("t2", &path).await.assert_page(400);
}

#[tokio::test]
async fn a_tenant_believes_whom_its_policy_names() {
    let (web, url) = web_with_client().await;
    let known = DocumentTrust::Prefixes(vec![web.url(HOST, "/oauth/")]);
    let server = Server::start_trusting(&web, known).await;
    server.tokens("t1", &url, "alice").await;
    refusal(&server, &web.url(HOST, "/else.json")).await;
    assert_eq!(web.connections(), 1);
    let server = Server::start_trusting(&web, DocumentTrust::Off).await;
    refusal(&server, &url).await;
    let metadata = server.get("t1", "/metadata").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], false);
    assert_eq!(web.connections(), 1);
}
