//! What comes of a good assertion, and what becomes of its person.

use http::StatusCode;
use serde_json::json;

use super::{GRANT, House, NOW};
use crate::support::{Server, T1, change};

#[tokio::test]
async fn a_client_gets_a_token_for_the_person_that_it_brings_the_word_of() {
    let house = House::new().await;
    let answer = house.exchange(&house.assertion(&json!({})), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let token = answer.json();
    assert_eq!(token["scope"], "mcp:resources mcp:tools");
    assert_eq!(token.get("refresh_token"), None);
    let claims = house.server.claims("t1", &token);
    let user = house.user().await.unwrap();
    assert_eq!(claims.sub, user.id);
    assert_eq!(claims.client_id.as_str(), "agent");
    assert_eq!(claims.aud, format!("{T1}/mcp"));
    assert!(user.roles.contains("member") && user.roles.len() == 1);

    // The grant is there to be seen and taken back, until the token has ended.
    let (tenant, store) = ("t1".parse().unwrap(), &house.server.store);
    let at = |seconds| gatehouse::model::Timestamp::from_seconds(NOW + seconds);
    let live = store.list_grants(&tenant, &user.id, at(0)).await.unwrap();
    assert_eq!(Some(&live[0].grant.id), claims.grant_id.as_ref());
    let later = store
        .list_grants(&tenant, &user.id, at(1800))
        .await
        .unwrap();
    assert!(later.is_empty());
    let by = change(&tenant);
    let withdrawn = store.withdraw_consent(&by, &user.id, &claims.client_id);
    assert!(withdrawn.await.unwrap());

    // The same person again is the same account.
    let again = house.exchange(&house.assertion(&json!({})), &[]).await;
    assert_eq!(house.server.claims("t1", &again.json()).sub, user.id);
}

#[tokio::test]
async fn scopes_are_what_everyone_allows() {
    let house = House::new().await;
    let good = house.assertion(&json!({}));
    let answer = house
        .exchange(&good, &[("scope", "mcp:tools metrics:read x")])
        .await;
    assert_eq!(answer.json()["scope"], "mcp:tools");
    let good = house.assertion(&json!({ "scope": "mcp:resources" }));
    let answer = house.exchange(&good, &[]).await;
    assert_eq!(answer.json()["scope"], "mcp:resources");
    let good = house.assertion(&json!({ "client_id": "narrow" }));
    let narrow = ("narrow", "narrow secret");
    let answer = house.exchange_as(narrow, &good, &[]).await;
    assert_eq!(answer.json()["scope"], "mcp:resources");
    let silent = house.assertion(&json!({ "scope": null }));
    let answer = house.exchange(&silent, &[("scope", "mcp:tools")]).await;
    assert_eq!(answer.json()["scope"], "mcp:tools");
    for (assertion, asked) in [
        (json!({ "scope": "mcp:tools" }), "mcp:resources"),
        (json!({ "scope": "" }), "mcp:tools"),
        (json!({ "scope": "metrics:read" }), "metrics:read"),
    ] {
        let answer = house
            .exchange(&house.assertion(&assertion), &[("scope", asked)])
            .await;
        assert_eq!(answer.json()["error"], "invalid_grant", "{assertion}");
    }
}

#[tokio::test]
async fn a_disabled_person_stays_out_and_groups_that_are_gone_take_their_roles() {
    let house = House::new().await;
    house.exchange(&house.assertion(&json!({})), &[]).await;
    let user = house.user().await.unwrap();
    // No groups in it: what was last said counts.
    let silent = house
        .exchange(&house.assertion(&json!({ "groups": null })), &[])
        .await;
    assert_eq!(silent.status, StatusCode::OK, "{}", silent.body);
    // An older word than the last one changes nothing.
    house.server.clock.advance(10);
    let newer = json!({ "iat": NOW + 10, "groups": ["left"] });
    house.refused(newer, "invalid_grant").await;
    house
        .refused(json!({ "iat": NOW, "groups": ["staff"] }), "invalid_grant")
        .await;
    let back = json!({ "iat": NOW + 10, "groups": ["staff"] });
    let back = house.exchange(&house.assertion(&back), &[]).await;
    assert_eq!(back.status, StatusCode::OK);
    let change = change(&"t1".parse().unwrap());
    let disabled = house
        .server
        .store
        .set_user_disabled(&change, &user.username, true);
    assert!(disabled.await.unwrap());
    house
        .refused(json!({ "iat": NOW + 10 }), "invalid_grant")
        .await;
}

#[tokio::test]
async fn an_issuer_out_of_reach_is_nobodys_fault() {
    let house = House::new().await;
    house.issuer.break_down(true);
    let assertion = house.assertion(&json!({}));
    let answer = house.exchange(&assertion, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    house.issuer.break_down(false);
    house.server.clock.advance(31);
    let answer = house.exchange(&assertion, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn the_grant_is_advertised_where_someones_word_is_taken() {
    let house = House::new().await;
    let metadata = house.server.get("t1", "/metadata").await.json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!(GRANT)));
    let profiles = &metadata["authorization_grant_profiles_supported"];
    assert_eq!(
        *profiles,
        json!(["urn:ietf:params:oauth:grant-profile:id-jag"])
    );
    let plain = Server::start().await;
    let metadata = plain.get("t1", "/metadata").await.json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(!grants.contains(&json!(GRANT)));
    assert_eq!(metadata.get("authorization_grant_profiles_supported"), None);
    let client = plain.public_client("t1").await;
    let fields = [
        ("grant_type", GRANT),
        ("client_id", &client),
        ("assertion", "a"),
    ];
    let answer = plain.token("t1", &fields).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
}
