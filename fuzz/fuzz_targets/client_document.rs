//! Client ID Metadata Documents: what is accepted is about the address where it was found, and no
//! secret is shared.
#![no_main]

use gatehouse::authorization_server::read_client_document;
use gatehouse::model::{GrantType, RemoteDocument, Timestamp, TokenEndpointAuthMethod};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const URL: &str = "https://client.example/app.json";

fuzz_target!(|body: &str| {
    let document = RemoteDocument {
        url: URL.to_owned(),
        body: body.to_owned(),
        fetched_at: Timestamp::from_seconds(0),
        fresh_until: Timestamp::from_seconds(0),
    };
    let Some(client) = read_client_document(&document) else {
        return;
    };
    let value: Value = serde_json::from_str(body).expect("it was read before");
    assert_eq!(value["client_id"], URL);
    assert_eq!(client.id.as_str(), URL);
    assert!(client.secret.is_none() && value["client_secret"].is_null());
    assert!(matches!(
        client.auth_method,
        TokenEndpointAuthMethod::None | TokenEndpointAuthMethod::PrivateKeyJwt
    ));
    let signs = client.auth_method == TokenEndpointAuthMethod::PrivateKeyJwt;
    assert!(client.keys.is_some() || !signs);
    assert!(!client.redirect_uris.is_empty());
    assert!(client.may_use(GrantType::AuthorizationCode));
    assert!(!client.may_use(GrantType::ClientCredentials));
    let name = client.name.expect("people read it");
    assert!(!name.trim().is_empty() && !name.chars().any(char::is_control));
});
