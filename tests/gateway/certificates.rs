//! Mounted servers over TLS: whom the system's authorities vouch for, and nobody else.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::client::Client;
use crate::fake_upstream::{FakeUpstream, Seen, modern};
use crate::process::Database;

fn certificate() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

/// TLS before a server that has none; the port that it is at.
async fn tls_before(upstream: &FakeUpstream, certificate: &CertifiedKey<KeyPair>) -> u16 {
    let key = PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der());
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = upstream.url.strip_prefix("http://").unwrap();
    let behind = behind.strip_suffix("/mcp").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(pass_on(acceptor, stream, behind));
        }
    });
    port
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, behind: String) {
    // Who does not believe the certificate ends the connection.
    if let Ok(mut stream) = acceptor.accept(stream).await {
        let mut behind = TcpStream::connect(behind).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut behind).await;
    }
}

/// What a call of the server at `port` comes to, at a gateway whose system has the authorities in `file`.
async fn call(port: u16, file: &Path) -> Value {
    let more = format!(
        "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\n\
         url = \"https://127.0.0.1:{port}/mcp\"\nallow_private = [\"127.0.0.0/8\"]\n"
    );
    let database = Database::sqlite();
    let gateway = database.serve_believing(&more, file);
    database.add_user_with(&more, "default", ("ada", "member"));
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens("mcp:tools").await;
    let params = json!({ "name": "docs_search", "arguments": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let response = client.call(&tokens.access, &message).await;
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_mounted_server_needs_a_certificate_that_the_systems_authorities_vouch_for() {
    let upstream = FakeUpstream::start(|seen: &Seen| {
        let lists = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
        let answer = r#"{"content":[{"type":"text","text":"found"}]}"#;
        modern(seen, &lists).unwrap_or_else(|| seen.result(answer))
    })
    .await;
    let own = certificate();
    let port = tls_before(&upstream, &own).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorities.pem");

    // The same name, by somebody whom nobody knows here.
    std::fs::write(&file, certificate().cert.pem()).unwrap();
    let refused = call(port, &file).await;
    assert!(
        refused["result"]["content"][0]["text"] != "found",
        "{refused}"
    );
    assert!(upstream.seen().is_empty());

    std::fs::write(&file, "").unwrap();
    let refused = call(port, &file).await;
    assert!(
        refused["result"]["content"][0]["text"] != "found",
        "{refused}"
    );
    assert!(upstream.seen().is_empty());

    std::fs::write(&file, own.cert.pem()).unwrap();
    let answer = call(port, &file).await;
    assert_eq!(answer["result"]["content"][0]["text"], "found", "{answer}");
}
