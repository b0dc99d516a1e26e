//! A tenant's address: one spelling, used byte for byte everywhere.

use std::collections::BTreeMap;

use gatehouse::model::{PublicUrl, ResourceUri, Tenant, TenantSlug};

fn tenant(url: &str) -> Tenant {
    Tenant::new(TenantSlug::default(), url.parse().unwrap(), BTreeMap::new())
}

#[test]
fn an_origin_and_an_origin_with_a_path_are_taken() {
    let root = tenant("https://acme.example.com");
    assert_eq!(root.issuer(), "https://acme.example.com");
    assert_eq!(root.resource.as_str(), "https://acme.example.com/mcp");
    assert_eq!(
        root.resource_metadata_url(),
        "https://acme.example.com/.well-known/oauth-protected-resource/mcp"
    );
    let path = tenant("https://mcp.example.com:8443/t/acme");
    assert_eq!(path.public_url.host(), "mcp.example.com:8443");
    assert_eq!(path.public_url.path(), "/t/acme");
    assert_eq!(
        path.resource.as_str(),
        "https://mcp.example.com:8443/t/acme/mcp"
    );
    assert_eq!(
        path.resource_metadata_url(),
        "https://mcp.example.com:8443/.well-known/oauth-protected-resource/t/acme/mcp"
    );
}

#[test]
fn the_slash_of_a_bare_origin_is_dropped() {
    assert_eq!(
        tenant("https://acme.example.com/").issuer(),
        "https://acme.example.com"
    );
}

#[test]
fn what_has_a_second_spelling_is_refused() {
    for text in [
        "acme.example.com",
        "http://acme.example.com",
        "https://ACME.example.com",
        "https://acme.example.com:443",
        "https://acme.example.com/t/acme/",
        "https://acme.example.com/t/../acme",
        "https://acme.example.com?x=1",
        "https://acme.example.com#x",
        "https://user@acme.example.com",
        "ftp://acme.example.com",
        "cursor://acme",
    ] {
        assert!(text.parse::<PublicUrl>().is_err(), "{text}");
    }
}

#[test]
fn a13_a_resource_is_compared_as_text_but_for_scheme_and_host() {
    let resource = tenant("https://acme.example.com").resource;
    let parse = |text: &str| ResourceUri::parse(text);
    assert_eq!(parse("HTTPS://ACME.example.com/mcp"), Ok(resource.clone()));
    for other in [
        "https://acme.example.com/mcp/",
        "https://acme.example.com/mcp2",
        "https://acme.example.com/MCP",
        "http://acme.example.com/mcp",
        "https://acme.example.com",
    ] {
        assert_ne!(parse(other), Ok(resource.clone()), "{other}");
    }
    for bad in [
        "https://acme.example.com/mcp#x",
        "/mcp",
        "urn:mcp",
        "https://a@acme.example.com/mcp",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
