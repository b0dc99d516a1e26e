//! What identity providers may not do here, and how they are told (RFC 7644 §3.12).

use serde_json::{Value, json};

use crate::process::Database;
use crate::scim::{ACME, GLOBEX, Provider, command, id, person, start};

#[tokio::test(flavor = "multi_thread")]
async fn h01_what_a_provider_keeps_at_one_tenant_is_nothing_at_another() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let acme = Provider::of(&database, &gateway, "acme", ACME);
    let globex = Provider::of(&database, &gateway, "globex", GLOBEX);
    let ada = acme.add("/Users", person("ada@example.com", "00u1")).await;
    let group = json!({ "displayName": "All", "members": [{ "value": id(&ada) }] });
    let group = acme.add("/Groups", group.clone()).await;

    // Neither with one's own token nor with that of the other tenant.
    let (user, path) = (
        format!("/Users/{}", id(&ada)),
        format!("/Groups/{}", id(&group)),
    );
    let off = json!({ "Operations": [{ "op": "replace", "value": { "active": false } }] });
    for path in [&user, &path] {
        globex.ask("GET", path, None, 404).await;
        globex.ask("PATCH", path, Some(off.clone()), 404).await;
        globex.ask("DELETE", path, None, 404).await;
    }
    for list in ["/Users", "/Groups"] {
        assert_eq!(globex.get(list).await["totalResults"], 0);
    }
    let members = json!({ "displayName": "All", "members": [{ "value": id(&ada) }] });
    assert_eq!(globex.add("/Groups", members).await["members"], json!([]));
    let thief = Provider {
        token: acme.token.clone(),
        ..globex
    };
    for path in ["/Users", "/Groups", "/Schemas", &user] {
        thief.ask("GET", path, None, 401).await;
    }
    assert_eq!(acme.get(&user).await["active"], true);

    // A tenant without [tenants.scim] has none of it, and a revoked token is none.
    let initech = Provider {
        base: "http://127.0.0.1:9/t/initech",
        ..thief
    };
    initech.ask("GET", "/Users", None, 404).await;
    command(
        &database,
        &["scim", "token", "--tenant", "acme", "--revoke"],
    );
    acme.ask("GET", "/Users", None, 401).await;
    assert_eq!(database.count("SELECT count(*) FROM scim_tokens").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_scim_does_not_allow_is_refused_in_its_own_words() {
    let database = Database::sqlite();
    let gateway = start(&database);
    let provider = Provider::of(&database, &gateway, "acme", ACME);
    let ada = provider
        .add("/Users", person("ada@example.com", "00u1"))
        .await;
    let user = format!("/Users/{}", id(&ada));
    for (method, path, body, kind) in [
        (
            "GET",
            "/Users?filter=userName+co+%22a%22",
            Value::Null,
            "invalidFilter",
        ),
        ("POST", "/Users", json!([]), "invalidSyntax"),
        (
            "POST",
            "/Users",
            json!({ "displayName": "x" }),
            "invalidValue",
        ),
        ("POST", "/Groups", json!({}), "invalidValue"),
        ("PUT", &user, json!({ "active": true }), "invalidValue"),
        ("PATCH", &user, json!({}), "invalidSyntax"),
        (
            "PATCH",
            &user,
            json!({ "Operations": [{ "op": "move" }] }),
            "invalidSyntax",
        ),
        (
            "PATCH",
            &user,
            json!({ "Operations": [{ "op": "remove" }] }),
            "invalidPath",
        ),
        (
            "PATCH",
            &user,
            json!({ "Operations": [{ "op": "replace", "path": "active", "value": 7 }] }),
            "invalidValue",
        ),
        (
            "PATCH",
            &user,
            json!({ "Operations": [{ "op": "remove", "path": "userName" }] }),
            "invalidValue",
        ),
    ] {
        let body = (!body.is_null()).then_some(body);
        let refused = provider.ask(method, path, body, 400).await;
        assert_eq!(refused["scimType"], kind, "{method} {path}");
    }
    assert_eq!(provider.get(&user).await, ada);
    for number in 0..5 {
        let name = format!("person{number}@example.com");
        provider.add("/Users", person(&name, &name)).await;
    }
    let page = provider.get("/Users?startIndex=3&count=2").await;
    assert_eq!(
        (&page["totalResults"], &page["startIndex"]),
        (&json!(6), &json!(3))
    );
    assert_eq!(page["Resources"].as_array().unwrap().len(), 2);
    let found = provider
        .get("/Users?filter=externalId%20eq%20%2200u1%22")
        .await;
    assert_eq!(found["Resources"], json!([ada]));
    for path in ["/Schemas", "/ResourceTypes"] {
        let listed = provider.get(path).await;
        let first = listed["Resources"][0]["meta"]["location"].as_str().unwrap();
        let below = first.strip_prefix(ACME).unwrap();
        provider.get(below.strip_prefix("/scim/v2").unwrap()).await;
    }
}
