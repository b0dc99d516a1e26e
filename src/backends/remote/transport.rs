//! How messages get to a mounted server and back, wherever it is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::api::Api;
use super::failure::Failure;
use super::http::{HttpConversation, HttpTransport};
use super::message::Heard;
use super::process::{Process, ProcessConversation};

/// The way to a server.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// At an address.
    Http(Arc<HttpTransport>),
    /// In a child process. Headers mean nothing there, but for the session's.
    Process(Arc<Process>),
    /// At an address that speaks no MCP: its operations are tools.
    Api(Arc<Api>),
}

/// What comes for one request, until its response.
#[derive(Debug)]
pub(super) enum Conversation {
    /// They come as events.
    Http(Box<HttpConversation>),
    Process(ProcessConversation),
    /// All that comes is here.
    Whole(Option<Box<Heard>>),
}

impl Transport {
    /// What the conventions of OpenTelemetry call it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) | Self::Api(_) => "tcp",
            Self::Process(_) => "pipe",
        }
    }

    /// Sends the request `id`. With what comes of it come the headers of the response.
    pub(super) async fn open(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(HeaderMap, Conversation), Failure> {
        match self {
            Self::Http(http) => http.open(headers, body).await,
            Self::Process(process) => {
                let (head, conversation) = process.open(headers, body, id).await?;
                Ok((head, Conversation::Process(conversation)))
            }
            Self::Api(api) => {
                let heard = Box::pin(api.answer(&body)).await?;
                let conversation = Conversation::Whole(Some(Box::new(heard)));
                Ok((HeaderMap::new(), conversation))
            }
        }
    }

    /// Sends the request `id`, whose answers have no end; each has a bound all the same.
    pub(super) async fn open_endless(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<Conversation, Failure> {
        match self {
            Self::Http(http) => http.open_endless(headers, body).await,
            Self::Process(_) | Self::Api(_) => Ok(self.open(headers, body, id).await?.1),
        }
    }

    /// Sends a message that has no answer.
    pub(super) async fn send(&self, headers: &HeaderMap, body: Bytes) -> Result<(), Failure> {
        match self {
            Self::Http(http) => http.send(headers, body).await,
            Self::Process(process) => process.send(headers, body).await,
            // It has nothing to do with what is told.
            Self::Api(_) => Ok(()),
        }
    }

    /// Opens the stream of what happens in a session. None where the server has no such stream.
    pub(super) async fn listen(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Conversation>, Failure> {
        match self {
            Self::Http(http) => {
                let conversation = http.listen(headers).await?;
                Ok(conversation.map(|it| Conversation::Http(Box::new(it))))
            }
            Self::Process(process) => {
                let conversation = process.listen(headers).await?;
                Ok(Some(Conversation::Process(conversation)))
            }
            Self::Api(_) => Ok(None),
        }
    }

    /// Ends a session.
    pub(super) async fn end(&self, headers: HeaderMap) {
        match self {
            Self::Http(http) => http.end(headers).await,
            // There is one, and it ends with the process.
            Self::Process(_) | Self::Api(_) => {}
        }
    }

    /// True for what is answered without a word to the server: it says nothing of how that one does.
    pub(super) fn answers_itself(&self, method: &str) -> bool {
        matches!(self, Self::Api(api) if api.answers_itself(method))
    }

    /// True where it speaks no MCP by itself.
    pub(super) fn is_api(&self) -> bool {
        matches!(self, Self::Api(_))
    }

    /// True where all share one connection: then there is one session, and to let go of a request
    /// says nothing to the server.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Process(_))
    }
}

impl Conversation {
    /// The next message; none when the response can't come any more.
    pub(super) async fn next(&mut self) -> Result<Option<Heard>, Failure> {
        match self {
            Self::Http(http) => http.next().await,
            Self::Process(process) => process.next().await,
            Self::Whole(heard) => Ok(heard.take().map(|heard| *heard)),
        }
    }
}
