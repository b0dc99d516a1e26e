//! The resources that a stream watches, and what its session wants by now.

use futures_util::stream::{self, StreamExt as _};

use super::super::exchange::UNTOLD_LEVEL;
use super::super::happening::Event;
use super::super::method::Target;
use super::super::revision::Revision;
use super::{Listener, WATCHED, Whose};
use crate::resource_server::Operation;

impl Listener {
    /// Watches a resource, where its reader may read it and changes of it are noticed.
    pub(super) async fn watch(&mut self, uri: &str) -> bool {
        if self.watched.len() >= WATCHED || self.watched.contains_key(uri) {
            return self.watched.contains_key(uri);
        }
        let Some(permit) = self.permit(Operation::ReadResource(uri.to_owned())) else {
            return false;
        };
        let target = Target::Resource(uri);
        let found = self.dispatcher.find(&self.tenant, target, Revision::LATEST);
        let Ok((backend, _)) = found.await else {
            return false;
        };
        let Ok(Some(updates)) = backend.subscribe(&permit, uri).await else {
            return false;
        };
        let (updates, handle) = stream::abortable(updates);
        self.watched.insert(uri.to_owned(), handle);
        let uri = uri.to_owned();
        let events = updates.map(move |()| Event::Resource(uri.clone()));
        self.events.push(events.boxed());
        true
    }

    /// Does what the session has asked for since.
    pub(super) async fn follow_marks(&mut self) {
        let Whose::Session(session, name) = &self.whose else {
            return;
        };
        let edge = self.dispatcher.edge();
        let Ok(marks) = edge.marks(&self.principal.tenant, session).await else {
            return;
        };
        // 2025-11-25 basic/transports: each message is sent on one stream only; the latest one.
        if edge.ended.contains(&session.topic) || marks.stream.as_ref() != Some(name) {
            return self.end();
        }
        self.level = marks.level.unwrap_or(UNTOLD_LEVEL);
        let wanted = marks.subscriptions;
        self.watched.retain(|uri, handle| {
            let keep = wanted.contains(uri);
            if !keep {
                handle.abort();
            }
            keep
        });
        for uri in &wanted {
            self.watch(uri).await;
        }
    }
}
