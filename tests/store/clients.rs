//! Registered clients.

use gatehouse::model::{Client, ClientId, ClientKeys, TokenEndpointAuthMethod};
use gatehouse::store::StoreError;

use crate::database::{Database, contract};
use crate::fixtures::{acme, change, client};

contract! {
    a_client_is_found_as_it_registered,
    a_client_identifier_is_taken_once,
    an_unknown_client_is_not_found,
}

async fn a_client_is_found_as_it_registered(database: &Database) {
    let store = database.open().await;
    let confidential = client("confidential");
    let public = Client {
        id: ClientId::new("public"),
        name: None,
        uri: None,
        auth_method: TokenEndpointAuthMethod::None,
        secret: None,
        keys: None,
        grant_types: vec![],
        scopes: None,
        ..client("public")
    };
    let signing = Client {
        auth_method: TokenEndpointAuthMethod::PrivateKeyJwt,
        keys: Some(ClientKeys::Uri("https://client.example/jwks".to_owned())),
        ..client("signing")
    };
    for client in [confidential, public, signing] {
        store
            .register_client(&change(&acme()), &client)
            .await
            .unwrap();
        let found = store.find_client(&acme(), &client.id).await.unwrap();
        assert_eq!(found, Some(client));
    }
}

async fn a_client_identifier_is_taken_once(database: &Database) {
    let store = database.open().await;
    let first = client("taken");
    let second = Client {
        name: Some("Impostor".to_owned()),
        ..client("taken")
    };
    store
        .register_client(&change(&acme()), &first)
        .await
        .unwrap();
    let refused = store.register_client(&change(&acme()), &second).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let found = store.find_client(&acme(), &first.id).await.unwrap();
    assert_eq!(found, Some(first));
}

async fn an_unknown_client_is_not_found(database: &Database) {
    let store = database.open().await;
    let found = store.find_client(&acme(), &ClientId::new("nobody")).await;
    assert_eq!(found.unwrap(), None);
}
