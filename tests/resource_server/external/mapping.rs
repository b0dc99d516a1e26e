//! What scopes, roles, clients and people of an issuer are here.

use std::collections::BTreeMap;

use gatehouse::model::ExternalAuthorization;
use gatehouse::resource_server::InvalidAccessToken;
use serde_json::json;

use super::House;
use crate::support::set;

#[tokio::test]
async fn scopes_and_roles_are_mapped_and_the_rest_is_nothing() {
    let house = House::new().await;
    let scopes = |pairs: &[(&str, &str)]| -> BTreeMap<String, _> {
        pairs
            .iter()
            .map(|(name, ours)| ((*name).to_owned(), set(ours)))
            .collect()
    };
    let roles = BTreeMap::from([("Boss".to_owned(), "admin".to_owned())]);
    let plain = house.external();
    let by_scope = ExternalAuthorization {
        scopes: scopes(&[("weather.read", "mcp:tools"), ("weather.all", "everything")]),
        ..plain.clone()
    };
    let by_role = ExternalAuthorization {
        roles_claim: Some("realm_access.roles".to_owned()),
        roles: roles.clone(),
        ..plain.clone()
    };
    let by_both = ExternalAuthorization {
        scopes: by_scope.scopes.clone(),
        ..by_role.clone()
    };
    let by_named = ExternalAuthorization {
        roles_claim: Some("cognito:groups".to_owned()),
        ..by_role.clone()
    };
    let boss = json!({ "roles": ["Boss", "other"] });
    let all = "everything mcp:tools metrics:read";
    for (external, changes, expected) in [
        (
            &plain,
            json!({ "scope": null, "scp": ["mcp:tools"] }),
            "mcp:tools",
        ),
        (&plain, json!({ "scope": null }), ""),
        (&plain, json!({ "scope": 7, "scp": "mcp:tools" }), ""),
        (&by_scope, json!({ "scope": "weather.read x" }), "mcp:tools"),
        (&by_scope, json!({ "scope": "mcp:tools" }), ""),
        (&by_scope, json!({ "scope": "weather.all" }), all),
        (&by_role, json!({ "realm_access": boss }), all),
        (&by_role, json!({ "scope": "mcp:tools" }), ""),
        (
            &by_role,
            json!({ "realm_access": { "roles": ["admin"] } }),
            "",
        ),
        (
            &by_both,
            json!({ "realm_access": boss, "scope": "weather.read" }),
            "mcp:tools",
        ),
        (&by_both, json!({ "realm_access": boss, "scope": null }), ""),
        (&by_both, json!({ "scope": "weather.read" }), ""),
        (&by_named, json!({ "cognito:groups": ["Boss"] }), all),
    ] {
        let tenant = house.tenant(external.clone());
        let token = house.token(&changes);
        let found = house.scopes(&tenant, &token).await.unwrap();
        assert_eq!(found, expected, "{changes}");
    }
    assert_eq!(by_scope.to_ask_for(&set("mcp:tools")), set("weather.read"));
    assert_eq!(by_role.to_ask_for(&set("mcp:tools")), set(""));
    assert_eq!(plain.to_ask_for(&set("mcp:tools")), set("mcp:tools"));
}

#[tokio::test]
async fn tokens_without_audience_count_by_their_client() {
    let house = House::new().await;
    let mut external = house.external();
    external.audience = None;
    external.clients = vec!["app".to_owned()];
    let tenant = house.tenant(external);
    let good = house.token(&json!({ "aud": null }));
    assert!(house.scopes(&tenant, &good).await.is_ok());
    for changes in [
        json!({ "aud": null, "client_id": "other" }),
        json!({ "aud": null, "client_id": null }),
        json!({ "aud": null, "client_id": "app2" }),
    ] {
        let refused = house.scopes(&tenant, &house.token(&changes)).await;
        assert_eq!(
            refused.unwrap_err(),
            InvalidAccessToken::Client,
            "{changes}"
        );
    }
    let azp = house.token(&json!({ "aud": null, "client_id": null, "azp": "app" }));
    assert!(house.scopes(&tenant, &azp).await.is_ok());
}

#[tokio::test]
async fn a_token_that_names_nobody_or_is_bound_in_an_unknown_way_is_refused() {
    let house = House::new().await;
    for changes in [
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": "a".repeat(600) }),
        json!({ "client_id": null }),
        json!({ "cnf": { "x5t#S256": "a" } }),
        json!({ "cnf": { "jkt": "short" } }),
        json!({ "cnf": 7 }),
    ] {
        let refused = house.refusal(&house.token(&changes)).await;
        assert_eq!(refused, InvalidAccessToken::Claims, "{changes}");
    }
}
