//! Who gets in: groups, roles, organisations and addresses (catalogue J07).

use http::StatusCode;
use serde_json::json;

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_is_told_whom_to_ask() {
    let mut world = World::start().await;
    for groups in [json!(["strangers"]), json!([]), json!(null)] {
        world.idp.script().claims = json!({ "groups": groups });
        let (status, page) = world.refused().await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(page.contains("Ask help@example.com for access."), "{page}");
        world.assert_nothing_happened().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_were_left_out_are_told_of_with_the_remedy() {
    let mut world = World::start().await;
    for claims in [
        json!({ "groups": null, "_claim_names": { "groups": "src1" } }),
        json!({ "groups": null, "hasgroups": true }),
    ] {
        world.idp.script().claims = claims;
        let (status, page) = world.refused().await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(page.contains("application roles"), "{page}");
        world.assert_nothing_happened().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_wherever_providers_put_them() {
    for (path, claims) in [
        (
            "realm_access.roles",
            json!({ "realm_access": { "roles": ["weather-admins"] } }),
        ),
        (
            "cognito:groups",
            json!({ "cognito:groups": ["weather-admins"] }),
        ),
        (
            "https://acme.example.com/groups",
            json!({ "https://acme.example.com/groups": ["weather-admins"] }),
        ),
        (
            "urn:zitadel:iam:org:project:1:roles",
            json!({ "urn:zitadel:iam:org:project:1:roles": { "weather-admins": { "1": "acme" } } }),
        ),
        ("role", json!({ "role": "weather-admins" })),
    ] {
        let mut world = World::start_with(&format!("groups_claim = \"{path}\"\n")).await;
        world.idp.script().claims = claims;
        let tokens = world.tokens().await;
        assert_eq!(tokens.scope, "mcp:tools metrics:read", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organisation_is_read_from_the_token() {
    let mut world = World::start_with("hosted_domain = \"acme.example.com\"\n").await;
    for domain in [json!(null), json!("other.example.com")] {
        world.idp.script().claims = json!({ "hd": domain });
        assert_eq!(world.refused().await.0, StatusCode::FORBIDDEN);
        world.assert_nothing_happened().await;
    }
    world.idp.script().claims = json!({ "hd": "acme.example.com" });
    world.tokens().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j07_an_address_links_no_accounts() {
    let mut world = World::start_with("local_accounts = true\n").await;
    world.database.add_user("ada", "admin");
    world.tokens().await;
    // Someone else with the same name and the same address, verified or not.
    for (subject, verified) in [("subject-2", json!(true)), ("subject-3", json!("false"))] {
        world.client = crate::client::Client::register(&world.gateway).await;
        world.idp.script().claims = json!({ "sub": subject, "email_verified": verified });
        world.tokens().await;
    }
    let count = |query| world.database.count(query);
    assert_eq!(count("SELECT count(*) FROM users").await, 4);
    assert_eq!(
        count("SELECT count(*) FROM users WHERE email IS NOT NULL").await,
        2
    );
    let local = "SELECT count(*) FROM users WHERE username = 'ada' AND subject IS NULL";
    assert_eq!(count(local).await, 1);
    // And the same person is the same account.
    world.client = crate::client::Client::register(&world.gateway).await;
    world.tokens().await;
    assert_eq!(world.database.count("SELECT count(*) FROM users").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_stays_out() {
    let mut world = World::start().await;
    world.tokens().await;
    let mut disable = world
        .database
        .command(&["user", "disable", "--username", "sso/ada"]);
    assert!(disable.status().unwrap().success());
    world.client = crate::client::Client::register(&world.gateway).await;
    let (status, page) = world.refused().await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("disabled"), "{page}");
}
