//! The way through the pages: consent before the provider, and the way back (catalogue I, J).

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{FakeIdp, Outcome, World, at_provider, location, outcome, query, tenant, with};
use crate::client::{Client, form};
use crate::process::Database;

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_elsewhere_and_the_client_gets_what_their_groups_allow() {
    let mut world = World::start().await;
    let tokens = world.tokens().await;
    assert_eq!(tokens.scope, "mcp:tools");
    let tools = world.client.list_tools(&tokens.access).await;
    assert_eq!(tools.status(), StatusCode::OK);
    let (_, body, authorization) = {
        let script = world.idp.script();
        script
            .seen
            .iter()
            .find(|(path, ..)| path == "/token")
            .unwrap()
            .clone()
    };
    assert!(authorization.starts_with("Basic "), "{authorization}");
    assert!(
        body.contains("code_verifier=") && !body.contains("secret"),
        "{body}"
    );
    let users = "SELECT count(*) FROM users WHERE username = 'sso/ada' AND password IS NULL";
    assert_eq!(world.database.count(users).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_i04_consent_comes_before_the_provider_and_before_any_state() {
    let mut world = World::start().await;
    let (login, page) = world.approval(&verifier()).await;
    assert!(
        page.contains("Test client") && page.contains("127.0.0.1"),
        "{page}"
    );
    assert!(page.contains("metrics:read"), "{page}");
    // Nothing has gone to the provider, not even a question of ours.
    assert!(world.idp.script().seen.is_empty());
    let again = world.client.get(&login).await;
    for cookie in again.headers().get_all(SET_COOKIE) {
        assert!(
            !cookie.to_str().unwrap().contains("-provider="),
            "{cookie:?}"
        );
    }
    let approved = world.approve((&login, &page)).await;
    let mut cookies = approved.headers().get_all(SET_COOKIE).iter();
    assert!(cookies.any(|cookie| cookie.to_str().unwrap().contains("-provider=")));
    let there = location(&approved, &login);
    assert_eq!(
        query(&there, "code_challenge_method").as_deref(),
        Some("S256")
    );
    assert_eq!(
        query(&there, "scope").as_deref(),
        Some("openid profile email groups")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_the_approval_is_of_this_browser_and_this_request() {
    let mut world = World::start().await;
    let (login, page) = world.approval(&verifier()).await;
    let (action, fields) = form(&page, &login, "provider");
    let mut approved = fields.clone();
    approved.push(("provider".to_owned(), "sso".to_owned()));
    // Another request, another browser, another site, no token.
    let other = with(&action, "scope", Some("mcp:prompts"));
    let request = world.client.request(Method::POST, &other).form(&approved);
    assert_eq!(
        world.client.browse(request).await.status(),
        StatusCode::FORBIDDEN
    );
    let mut stranger = Client::register(&world.gateway).await;
    let request = stranger.request(Method::POST, &action).form(&approved);
    assert_eq!(
        stranger.browse(request).await.status(),
        StatusCode::FORBIDDEN
    );
    let request = world.client.request(Method::POST, &action).form(&approved);
    let request = request.header("sec-fetch-site", "cross-site");
    assert_eq!(
        world.client.browse(request).await.status(),
        StatusCode::FORBIDDEN
    );
    let bare = [("provider", "sso")];
    let request = world.client.request(Method::POST, &action).form(&bare);
    assert_eq!(
        world.client.browse(request).await.status(),
        StatusCode::FORBIDDEN
    );
    assert!(world.idp.script().seen.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_denies_goes_back_to_the_client_and_not_to_the_provider() {
    let mut world = World::start().await;
    let (login, page) = world.approval(&verifier()).await;
    let (action, mut fields) = form(&page, &login, "provider");
    fields.push(("decision".to_owned(), "deny".to_owned()));
    let request = world.client.request(Method::POST, &action).form(&fields);
    let back = outcome(world.client.browse(request).await, &action).await;
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert!(world.idp.script().seen.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_turns_back_at_the_provider_is_a_refusal_for_the_client() {
    let mut world = World::start().await;
    world.idp.script().answer = vec![("error", "access_denied".to_owned())];
    let back = world.sign_in(&verifier()).await;
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    world.assert_nothing_happened().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_the_way_back_is_for_the_browser_that_began() {
    let mut world = World::start().await;
    let callback = world.until_callback(&verifier()).await;
    let mut victim = Client::register(&world.gateway).await;
    let response = victim.get(&callback).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    world.assert_nothing_happened().await;
    assert_eq!(world.idp.count("/token"), 0);
    // It was not spent by that.
    assert!(matches!(world.finish(&callback).await, Outcome::Back(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn j02_a_state_that_is_missing_foreign_or_spent_is_refused() {
    let mut world = World::start().await;
    let callback = world.until_callback(&verifier()).await;
    let state = query(&callback, "state").unwrap();
    let changed = state.replace(state.chars().nth(40).unwrap(), "-");
    for state in [None, Some("foreign"), Some(changed.as_str())] {
        let other = with(&callback, "state", state);
        let Outcome::Page(status, _) = world.finish(&other).await else {
            panic!("{other} led somewhere");
        };
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    world.assert_nothing_happened().await;
    assert!(matches!(world.finish(&callback).await, Outcome::Back(_)));
    let Outcome::Page(status, _) = world.finish(&callback).await else {
        panic!("a spent state led somewhere");
    };
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(world.idp.count("/token"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_two_tabs_sign_in_side_by_side() {
    let mut world = World::start().await;
    let first = world.until_callback(&verifier()).await;
    let second = world.until_callback(&verifier()).await;
    assert!(matches!(world.finish(&second).await, Outcome::Back(_)));
    assert!(matches!(world.finish(&first).await, Outcome::Back(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_begins_at_one_replica_ends_at_the_other() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let idp = FakeIdp::start().await;
    let config = tenant(&idp, "");
    let gateway = database.serve_with("listen = \"127.0.0.1:0\"", &config);
    let server = format!("listen = \"127.0.0.1:0\"\npublic_url = \"{}\"", gateway.url);
    let other = database.serve_with(&server, &config);
    let client = Client::register(&gateway).await;
    let mut world = World {
        idp,
        database,
        gateway,
        client,
    };
    let verifier = verifier();
    let callback = world.until_callback(&verifier).await;
    world.client = world.client.at(&other);
    let code = world.finish(&callback).await.code();
    world.client = world.client.at(&world.gateway);
    let response = world.client.exchange(&code, &verifier).await;
    assert_eq!(response.status(), StatusCode::OK);
    // What one replica spent is spent at the other.
    let Outcome::Page(status, _) = world.finish(&callback).await else {
        panic!("a spent state led somewhere");
    };
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn j01_an_answer_of_another_issuer_is_refused_and_its_code_stays_here() {
    let mut world = World::start().await;
    world.idp.script().metadata = json!({ "authorization_response_iss_parameter_supported": true });
    let callback = world.until_callback(&verifier()).await;
    for issuer in [None, Some("https://other.example.com"), Some("")] {
        let mixed = with(&callback, "iss", issuer);
        let Outcome::Page(status, _) = world.finish(&mixed).await else {
            panic!("{mixed} led somewhere");
        };
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.idp.count("/token"), 0);
    world.assert_nothing_happened().await;
    let url = world.idp.url.clone();
    let right = with(&callback, "iss", Some(&url));
    assert!(matches!(world.finish(&right).await, Outcome::Back(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn j01_a_code_of_one_provider_is_never_sent_to_another() {
    let (one, two) = (FakeIdp::start().await, FakeIdp::start().await);
    let entry = |name: &str, idp: &FakeIdp| {
        format!(
            "[[tenants.sign_in.providers]]\nname = \"{name}\"\ntitle = \"{name}\"\n\
             domains = [\"{name}.example.com\"]\n{}roles = {{ staff = \"member\" }}\n",
            idp.configuration()
        )
    };
    let config = format!(
        "[[tenants]]\nslug = \"default\"\n[tenants.sign_in]\nkind = \"oidc\"\n{}{}",
        entry("one", &one),
        entry("two", &two)
    );
    let mut world = World::start_as(one, &config).await;
    let (login, page) = world.approval(&verifier()).await;
    assert!(
        page.contains("Approve and sign in with one") && page.contains("with two"),
        "{page}"
    );
    // The domain of an address chooses, and the address goes along as a hint.
    let (action, mut fields) = form(&page, &login, "address");
    fields.push(("decision".to_owned(), "address".to_owned()));
    fields.push(("address".to_owned(), "ada@TWO.example.com".to_owned()));
    let request = world.client.request(Method::POST, &action).form(&fields);
    let there = location(&world.client.browse(request).await, &login);
    assert!(there.as_str().starts_with(&two.url), "{there}");
    assert_eq!(
        query(&there, "login_hint").as_deref(),
        Some("ada@TWO.example.com")
    );
    let callback = at_provider(&there).await;
    let mixed = with(&callback, "iss", Some(&world.idp.url));
    assert!(matches!(world.finish(&mixed).await, Outcome::Page(..)));
    assert_eq!(world.idp.count("/token") + two.count("/token"), 0);
    assert!(matches!(world.finish(&callback).await, Outcome::Back(_)));
    assert_eq!((world.idp.count("/token"), two.count("/token")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn local_accounts_stay_beside_a_provider_where_the_tenant_says_so() {
    let mut world = World::start_with("local_accounts = true\n").await;
    world.database.add_user("ada", "admin");
    let (_, page) = world.approval(&verifier()).await;
    assert!(page.contains("/login/password?"), "{page}");
    let mut alone = World::start().await;
    let (login, page) = alone.approval(&verifier()).await;
    assert!(!page.contains("/login/password?"), "{page}");
    let mut form_url = login.clone();
    form_url.set_path("/login/password");
    let response = alone.client.get(&form_url).await;
    assert_eq!(location(&response, &form_url).path(), "/login");
}
