//! What a mounted server tells without being asked, for as long as somebody listens: one stream of
//! the server for all who do (2026-07-28 basic/patterns/subscriptions, 2025-11-25
//! basic/transports).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::{ListChange, Updates};
use super::failure::Failure;
use super::headers;
use super::http::in_session;
use super::line::{Line, Notice};
use super::message::{self, Heard};
use super::shelf::Shelf;
use super::speech::{self, MODERN};
use super::standing::StandingState;

/// Watches one server.
#[derive(Debug)]
pub(super) struct Watch {
    line: Arc<Line>,
    shelf: Arc<Shelf>,
    lists: broadcast::Sender<ListChange>,
    /// Who watches which resource, by the URI that the server knows.
    resources: Mutex<HashMap<String, broadcast::Sender<()>>>,
    /// Somebody listens who did not before.
    wanted: Notify,
    over: CancellationToken,
}

/// How many changes a slow listener may be behind.
const CHANGES: usize = 16;

/// How often is looked whether somebody still listens.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// After how long a stream that broke is opened again, the first time and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// After how long a server is asked again that has no such stream.
const NO_STREAM: Duration = Duration::from_mins(10);

/// How many resources of a server are watched.
const RESOURCES: usize = 1000;

/// Why a stream ended.
enum Ended {
    /// Nobody listens.
    Idle,
    /// What is watched is not what the stream is about.
    Changed,
    /// The server ended it.
    Broken,
    /// The server has none.
    None,
}

impl Watch {
    /// A watch that lasts as long as it is kept.
    pub(super) fn new(line: &Arc<Line>, shelf: &Arc<Shelf>) -> Arc<Self> {
        let watch = Arc::new(Self {
            line: Arc::clone(line),
            shelf: Arc::clone(shelf),
            lists: broadcast::Sender::new(CHANGES),
            resources: Mutex::default(),
            wanted: Notify::new(),
            over: CancellationToken::new(),
        });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let notices = line.notices.subscribe();
            runtime.spawn(pass_on(Arc::downgrade(&watch), notices));
            let (kept, over) = (Arc::clone(&watch), watch.over.clone());
            runtime.spawn(async move { over.run_until_cancelled(keep_open(kept)).await });
        }
        watch
    }

    /// Nothing is watched any more.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    /// Changes of lists, told once the lists are read again.
    pub(super) fn list_changes(&self) -> broadcast::Receiver<ListChange> {
        let changes = self.lists.subscribe();
        self.wanted.notify_one();
        changes
    }

    /// Changes of the resource that the server knows by `uri`.
    pub(super) fn updates(&self, uri: &str) -> Option<Updates> {
        let mut resources = self.resources();
        if resources.len() >= RESOURCES && !resources.contains_key(uri) {
            resources.retain(|_, watchers| watchers.receiver_count() > 0);
            if resources.len() >= RESOURCES {
                return None;
            }
        }
        let watchers = resources.entry(uri.to_owned());
        let receiver = watchers
            .or_insert_with(|| broadcast::Sender::new(CHANGES))
            .subscribe();
        drop(resources);
        self.wanted.notify_one();
        let updates = stream::unfold(receiver, |mut receiver| async {
            match receiver.recv().await {
                // Who is behind learns of one change instead of several.
                Ok(()) | Err(broadcast::error::RecvError::Lagged(_)) => Some(((), receiver)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        });
        Some(updates.boxed())
    }

    /// Tells that everything may be something else.
    pub(super) async fn tell_all(&self) {
        self.shelf.refresh().await;
        for list in [
            ListChange::Tools,
            ListChange::Resources,
            ListChange::Prompts,
        ] {
            // Nobody listens, most of the time.
            drop(self.lists.send(list));
        }
    }

    async fn take(&self, notice: Notice) {
        match notice {
            Notice::List(change) => {
                // Whoever is told reads at once: what is told then must be what is new.
                self.shelf.refresh().await;
                // Nobody listens, most of the time.
                drop(self.lists.send(change));
            }
            Notice::Updated(uri) => {
                if let Some(watchers) = self.resources().get(&uri) {
                    drop(watchers.send(()));
                }
            }
        }
    }

    /// The resources that somebody watches.
    fn watched(&self) -> BTreeSet<String> {
        let mut resources = self.resources();
        resources.retain(|_, watchers| watchers.receiver_count() > 0);
        resources.keys().cloned().collect()
    }

    fn is_idle(&self) -> bool {
        self.lists.receiver_count() == 0 && self.watched().is_empty()
    }

    fn resources(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<()>>> {
        self.resources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to the server until there is a reason not to.
    async fn listen(&self) -> Result<Ended, Failure> {
        let welcome = self.line.welcome().await?;
        if self.shelf.wants_account() {
            // The account was linked since.
            self.tell_all().await;
        }
        if welcome.is_modern() {
            self.listen_modern().await
        } else {
            self.listen_in_session().await
        }
    }

    /// 2026-07-28 basic/patterns/subscriptions
    async fn listen_modern(&self) -> Result<Ended, Failure> {
        let watched = self.watched();
        let id = self.line.next_id();
        let meta = speech::modern_meta(speech::every_capability(), None);
        let params = json!({
            "notifications": {
                "toolsListChanged": true,
                "promptsListChanged": true,
                "resourcesListChanged": true,
                "resourceSubscriptions": watched,
            },
            "_meta": meta,
        });
        let params = params.as_object().cloned().unwrap_or_default();
        let method = "subscriptions/listen";
        let mut dress = in_session(MODERN, None);
        headers::mirror(&mut dress, method, None);
        let opened =
            self.line
                .transport
                .open_endless(&dress, message::request(id, method, &params), id);
        let opened = tokio::time::timeout(self.line.limits.deadline, opened).await;
        let mut conversation = opened.map_err(|_| Failure::TimedOut)??;
        loop {
            tokio::select! {
                heard = conversation.next() => match heard? {
                    Some(Heard::Notification { method, params }) => {
                        self.line.notice(&method, &params);
                    }
                    Some(Heard::Response { outcome: Err(Failure::Error(error)), .. })
                        if error.code == -32601 => return Ok(Ended::None),
                    Some(Heard::HungUp) => {}
                    Some(Heard::Response { .. } | Heard::Request { .. }) | None => {
                        return Ok(Ended::Broken);
                    }
                },
                () = self.moved(&watched) => return Ok(self.reason(&watched)),
            }
        }
    }

    /// 2025-11-25 basic/transports, listening for messages from the server
    async fn listen_in_session(&self) -> Result<Ended, Failure> {
        let session = self.line.common_session().await?;
        let within = session.headers();
        let mut standing = session.standing.state();
        let mut watched = BTreeSet::new();
        loop {
            let wanted = self.watched();
            for uri in wanted.difference(&watched) {
                self.mark("resources/subscribe", uri, within).await?;
            }
            for uri in watched.difference(&wanted) {
                self.mark("resources/unsubscribe", uri, within).await?;
            }
            watched = wanted;
            tokio::select! {
                state = ended(&mut standing) => return Ok(match state {
                    StandingState::None => Ended::None,
                    StandingState::Opening | StandingState::Open | StandingState::Over => {
                        self.line.forget_common_session().await;
                        Ended::Broken
                    }
                }),
                () = self.moved(&watched) => if self.is_idle() {
                    return Ok(Ended::Idle);
                },
            }
        }
    }

    async fn mark(&self, method: &str, uri: &str, head: &::http::HeaderMap) -> Result<(), Failure> {
        let id = self.line.next_id();
        let params: Map<String, Value> = Map::from_iter([("uri".to_owned(), uri.into())]);
        let body = message::request(id, method, &params);
        match self.line.exchange(head, body, id).await {
            // There may be no such resource any more, and another one will be told of.
            Ok(_) | Err(Failure::Error(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Waits until nobody listens, or something else is watched.
    async fn moved(&self, watched: &BTreeSet<String>) {
        loop {
            drop(tokio::time::timeout(LOOK_EVERY, self.wanted.notified()).await);
            if self.is_idle() || self.watched() != *watched {
                return;
            }
        }
    }

    fn reason(&self, watched: &BTreeSet<String>) -> Ended {
        if self.is_idle() && self.watched() == *watched {
            Ended::Idle
        } else {
            Ended::Changed
        }
    }
}

/// Waits until nothing is heard any more on the stream of a session.
async fn ended(standing: &mut watch::Receiver<StandingState>) -> StandingState {
    let is_over =
        |state: &StandingState| matches!(state, StandingState::None | StandingState::Over);
    let over = standing.wait_for(is_over).await;
    over.map_or(StandingState::Over, |state| *state)
}

/// Takes what the server tells, wherever it tells it.
async fn pass_on(watch: Weak<Watch>, mut notices: broadcast::Receiver<Notice>) {
    loop {
        let notice = match notices.recv().await {
            Ok(notice) => notice,
            // So much changed that it is not known what.
            Err(broadcast::error::RecvError::Lagged(_)) => Notice::List(ListChange::Tools),
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Some(watch) = watch.upgrade() else {
            return;
        };
        watch.take(notice).await;
    }
}

/// Keeps a stream open while somebody listens.
async fn keep_open(watch: Arc<Watch>) {
    let mut pause = FIRST_PAUSE;
    loop {
        if watch.is_idle() {
            watch.wanted.notified().await;
            continue;
        }
        let begun = Instant::now();
        let wait = match watch.listen().await {
            Ok(Ended::Idle | Ended::Changed) => Duration::ZERO,
            Ok(Ended::None) => NO_STREAM,
            Ok(Ended::Broken) | Err(_) => {
                let lasted = begun.elapsed() > LOOK_EVERY;
                pause = if lasted {
                    FIRST_PAUSE
                } else {
                    (pause * 2).min(LONGEST_PAUSE)
                };
                pause
            }
        };
        tokio::time::sleep(wait).await;
    }
}
