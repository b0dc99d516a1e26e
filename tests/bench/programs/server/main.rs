//! Servers without a gateway, to measure one against. All have one thread, as a gateway on one core has.
//!
//! `bench-server handler ANSWER` is a bare handler: it reads a call, and writes the result that the file `ANSWER` has.
//! `bench-server token ANSWER JWKS` does so for tokens that it verifies once and keeps.
//! `bench-server relay ANSWER JWKS PORT` does that before another server, to which it hands the call.
//! `bench-server rmcp ANSWER JWKS` is the service of the Rust SDK behind the same check.

mod call;
mod relay;
mod sdk;
mod token;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

use crate::token::Tokens;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("no {what} was given"));
    let kind = next("kind of server")?;
    let result: Arc<RawValue> = RawValue::from_string(fs::read_to_string(next("answer")?)?)?.into();
    let handler = Router::new()
        .route("/mcp", post(call::answer))
        .with_state(Arc::clone(&result));
    let router = if kind == "handler" {
        handler
    } else {
        let tokens = Arc::new(Tokens::of(&fs::read_to_string(next("key set")?)?)?);
        let router = match kind.as_str() {
            "token" => handler,
            "relay" => relay::router(next("port of the server behind")?.parse()?),
            "rmcp" => sdk::router(&result)?,
            other => return Err(format!("there is no server {other:?}").into()),
        };
        router.layer(from_fn_with_state(tokens, token::check))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(
        std::io::stderr(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await?;
    Ok(())
}
