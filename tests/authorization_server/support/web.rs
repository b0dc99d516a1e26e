//! A Web on this machine: https, with a certificate of its own, and a count of who came.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gatehouse::egress::{GuardSettings, GuardedClient, Lookup};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The only address that the guard is told to let through.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another address of this machine, which it is not: nobody may come here.
pub(crate) const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Sites that the server can reach under any name of example.com.
pub(crate) struct Web {
    pub(crate) port: u16,
    certificate: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    pages: Mutex<HashMap<String, Page>>,
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    connections: AtomicUsize,
    inside: AtomicUsize,
}

/// What is served at a path.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: &'static str,
    pub(crate) headers: String,
    pub(crate) body: String,
}

#[derive(Debug)]
struct Names(Arc<State>);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.names.lock().unwrap();
        Ok(match names.get_mut(host) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => vec![HERE],
        })
    }
}

impl Page {
    pub(crate) fn json(document: &Value) -> Self {
        Self {
            status: "200 OK",
            headers: "content-type: application/json\r\n".to_owned(),
            body: document.to_string(),
        }
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self.headers.push_str("\r\n");
        self
    }
}

impl Web {
    pub(crate) async fn start() -> Self {
        let names = vec!["*.example.com".to_owned()];
        let signed = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
        let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = TcpListener::bind((INSIDE, port)).await.unwrap();
        let state = Arc::new(State::default());
        let (pages, recorder) = (Arc::clone(&state), Arc::clone(&state));
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                pages.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(acceptor.clone(), stream, Arc::clone(&pages)));
            }
        });
        tokio::spawn(async move {
            while inside.accept().await.is_ok() {
                recorder.inside.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self {
            port,
            certificate: signed.cert.pem(),
            state,
        }
    }

    /// A client that reaches nothing, since every name stands for this machine.
    pub(crate) fn nowhere() -> GuardedClient {
        let names = Names(Arc::new(State::default()));
        GuardedClient::new(&GuardSettings::default(), Arc::new(names)).unwrap()
    }

    pub(crate) fn client(&self) -> GuardedClient {
        let settings = GuardSettings {
            allow_private: vec![HERE.into()],
            allow_ports: vec![self.port],
            root_certificates: self.certificate.clone().into_bytes(),
            deadline: std::time::Duration::from_secs(2),
            ..GuardSettings::default()
        };
        GuardedClient::new(&settings, Arc::new(Names(Arc::clone(&self.state)))).unwrap()
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    pub(crate) fn serve(&self, path: &str, page: Page) {
        let mut pages = self.state.pages.lock().unwrap();
        pages.insert(path.to_owned(), page);
    }

    /// What the DNS says of `host`, one answer after the other.
    pub(crate) fn name(&self, host: &str, answers: Vec<Vec<IpAddr>>) {
        let mut names = self.state.names.lock().unwrap();
        names.insert(host.to_owned(), answers);
    }

    /// How many connections came to the sites.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many came to where none may go.
    pub(crate) fn intrusions(&self) -> usize {
        self.state.inside.load(Ordering::SeqCst)
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, state: Arc<State>) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let page = state.pages.lock().unwrap().get(&path).cloned();
    let page = page.unwrap_or(Page {
        status: "404 Not Found",
        headers: String::new(),
        body: String::new(),
    });
    let Page {
        status,
        headers,
        body,
    } = page;
    // A page that says `stall` never ends.
    let length = body.len() + usize::from(headers.contains("stall"));
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    if length > body.len() {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await.ok()
}
