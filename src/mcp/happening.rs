//! What a stream can tell of, as it happens.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::broadcast;

use super::bells::Bell;
use crate::backends::{Aside, ListChange};
use crate::model::Principal;

/// Something that happened.
pub(super) enum Event {
    /// A list of a server is another one.
    List(ListChange),
    /// So much changed that it is not known what.
    AnyList,
    /// The resource of this URI may be another one.
    Resource(String),
    /// Something came of the task of this handle.
    Task(String),
    /// A server told one person at one client something.
    Aside(Arc<Aside>),
    /// The session did something that is remembered.
    Session,
}

/// An event each time that a list of a server changes.
pub(super) fn list_changes(changes: broadcast::Receiver<ListChange>) -> BoxStream<'static, Event> {
    stream::unfold(changes, list_change).boxed()
}

async fn list_change(
    mut changes: broadcast::Receiver<ListChange>,
) -> Option<(Event, broadcast::Receiver<ListChange>)> {
    match changes.recv().await {
        Ok(change) => Some((Event::List(change), changes)),
        Err(broadcast::error::RecvError::Lagged(_)) => Some((Event::AnyList, changes)),
        Err(broadcast::error::RecvError::Closed) => None,
    }
}

/// What a server tells `principal` beside its calls.
pub(super) fn asides(
    asides: broadcast::Receiver<Arc<Aside>>,
    principal: Arc<Principal>,
) -> BoxStream<'static, Event> {
    stream::unfold((asides, principal), |(mut asides, principal)| async move {
        loop {
            match asides.recv().await {
                Ok(aside) if is_to(&aside, &principal) => {
                    return Some((Event::Aside(aside), (asides, principal)));
                }
                // Like logs, what is not read in time is left out.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
    .boxed()
}

fn is_to(aside: &Aside, principal: &Principal) -> bool {
    aside.user == principal.user && aside.client == principal.client
}

/// An event each time that `bell` rings.
pub(super) fn rings(
    bell: Bell,
    event: impl Fn() -> Event + Send + 'static,
) -> BoxStream<'static, Event> {
    stream::unfold((bell, event), |(bell, event)| async move {
        bell.rung().await;
        let happened = event();
        Some((happened, (bell, event)))
    })
    .boxed()
}
