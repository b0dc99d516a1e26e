//! Streams of what happens: `subscriptions/listen` (2026-07-28 basic/patterns/subscriptions), and
//! the stream that a GET opens before (2025-11-25 basic/transports, listening for messages).

mod watched;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{AbortHandle, BoxStream, SelectAll, StreamExt as _};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval};

use super::capabilities::Capabilities;
use super::dispatch::Dispatcher;
use super::error::Fault;
use super::exchange::{UNTOLD_LEVEL, notification};
use super::happening::{self, Event};
use super::lasting::DOUBT_EVERY;
use super::message::{Request, RequestId};
use super::reply::Reply;
use super::session::{Mark, Session};
use super::shares::Share;
use super::tasks;
use super::tenant_changes::Present;
use crate::backends::{Aside, Backend, Capability, ListChange, LogLevel};
use crate::model::{Digest, Principal, Tenant};
use crate::resource_server::{Operation, Permit};
use crate::store::StoredTask;

/// A stream of what happens. Nothing is sent on it that was not asked for.
pub(super) struct Listener {
    dispatcher: Arc<Dispatcher>,
    tenant: Arc<Tenant>,
    present: watch::Receiver<Present>,
    principal: Arc<Principal>,
    whose: Whose,
    lists: Vec<ListChange>,
    /// From which level on the session is told of what servers log.
    level: LogLevel,
    events: SelectAll<BoxStream<'static, Event>>,
    /// How to end the watch of a resource.
    watched: BTreeMap<String, AbortHandle>,
    ready: VecDeque<Bytes>,
    is_over: bool,
    doubt: Interval,
    quiet_since: Instant,
    _share: Share,
}

/// What comes of listening.
pub(super) enum Heard {
    /// A message.
    Message(Bytes),
    /// Nothing for a while.
    Nothing,
}

/// Who listens.
enum Whose {
    /// The request of this id.
    Request(RequestId),
    /// A session, by the stream of this name.
    Session(Session, String),
}

/// For how long a stream may be silent (2026-07-28 streamable-http encourages comments).
pub(super) const QUIET: Duration = Duration::from_secs(15);

/// How many resources and tasks one stream may watch.
const WATCHED: usize = 64;

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

impl Listener {
    /// Begins to listen for what `request` asks for.
    pub(super) async fn of_request(
        dispatcher: Arc<Dispatcher>,
        permit: &Permit,
        request: &Request,
    ) -> Result<Self, Fault> {
        let wanted = request.params.get("notifications");
        let wanted = wanted.and_then(Value::as_object);
        let wanted = wanted.ok_or(Fault::InvalidParams("notifications is missing".into()))?;
        let capabilities = Capabilities::of_request(&request.params);
        if wanted.contains_key("taskIds") && !capabilities.has(Capability::Tasks) {
            return Err(Fault::MissingCapability(
                Capability::Tasks,
                request.revision,
            ));
        }
        let whose = Whose::Request(request.id.clone());
        let mut listener = Self::new(dispatcher, permit, whose)?;
        let mut accepted = Map::new();
        for (name, list) in [
            ("toolsListChanged", ListChange::Tools),
            ("promptsListChanged", ListChange::Prompts),
            ("resourcesListChanged", ListChange::Resources),
        ] {
            if wanted.get(name) == Some(&Value::Bool(true)) {
                listener.lists.push(list);
                accepted.insert(name.to_owned(), Value::Bool(true));
            }
        }
        let mut watched = Vec::new();
        for uri in texts(wanted, "resourceSubscriptions")? {
            if listener.watch(uri).await {
                watched.push(uri);
            }
        }
        if wanted.contains_key("resourceSubscriptions") {
            accepted.insert("resourceSubscriptions".to_owned(), json!(watched));
        }
        let mut followed = Vec::new();
        for handle in texts(wanted, "taskIds")? {
            if listener.follow(handle).await {
                followed.push(handle);
            }
        }
        if wanted.contains_key("taskIds") {
            accepted.insert("taskIds".to_owned(), json!(followed));
        }
        let mut params = Map::new();
        params.insert("notifications".to_owned(), Value::Object(accepted));
        listener.tell("notifications/subscriptions/acknowledged", params);
        // What happened to a task before this stream was there is told now.
        for handle in followed {
            listener.tell_task(handle).await;
        }
        Ok(listener)
    }

    /// Begins to listen for what concerns `session`; `again` where it had such a stream and lost
    /// it: what happened since then is not known, so it is told that anything may have.
    pub(super) async fn of_session(
        dispatcher: Arc<Dispatcher>,
        permit: &Permit,
        session: Session,
        (name, again): (String, bool),
    ) -> Result<Self, Fault> {
        let tenant = permit.principal().tenant.clone();
        let bell = dispatcher.edge().bell(session.topic);
        let mark = Mark::Stream(name.clone());
        dispatcher.edge().mark(&tenant, &session, &mark).await?;
        let whose = Whose::Session(session, name);
        let mut listener = Self::new(dispatcher, permit, whose)?;
        listener.lists = vec![
            ListChange::Tools,
            ListChange::Prompts,
            ListChange::Resources,
        ];
        listener
            .events
            .push(happening::rings(bell, || Event::Session));
        listener.follow_marks().await;
        if again {
            listener.tell_lists(None);
            let watched: Vec<String> = listener.watched.keys().cloned().collect();
            for uri in watched {
                listener.tell_update(&uri);
            }
        }
        Ok(listener)
    }

    fn new(dispatcher: Arc<Dispatcher>, permit: &Permit, whose: Whose) -> Result<Self, Fault> {
        let share = dispatcher.edge().streams.take(permit.principal());
        let share = share.ok_or(Fault::TooMany)?;
        let servers = dispatcher.servers(permit.tenant());
        let tenant = Arc::clone(permit.tenant());
        let mut listener = Self {
            present: dispatcher.edge().tenants.follow(&tenant),
            dispatcher,
            tenant,
            principal: permit.holder(),
            whose,
            lists: Vec::new(),
            level: UNTOLD_LEVEL,
            events: SelectAll::new(),
            watched: BTreeMap::new(),
            ready: VecDeque::new(),
            is_over: false,
            doubt: tokio::time::interval(DOUBT_EVERY),
            quiet_since: Instant::now(),
            _share: share,
        };
        listener.hear(&servers);
        Ok(listener)
    }

    /// Listens to these servers as well.
    fn hear(&mut self, servers: &[Arc<dyn Backend>]) {
        for server in servers {
            let changes = server.list_changes().map(happening::list_changes);
            self.events.extend(changes);
            // In 2026-07-28 nothing is told beside what was asked for.
            if let (Whose::Session(..), Some(asides)) = (&self.whose, server.asides()) {
                let asides = happening::asides(asides, Arc::clone(&self.principal));
                self.events.push(asides);
            }
        }
    }

    /// The next message, or that there was none for a while. `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                self.quiet_since = Instant::now();
                return Some(Heard::Message(message));
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                Some(event) = self.events.next() => self.take(event).await,
                Ok(()) = self.present.changed() => self.take_tenant().await,
                _ = self.doubt.tick() => {
                    if !self.dispatcher.edge().trusts(&self.principal) {
                        self.end();
                    } else if is_silent(self.quiet_since) {
                        self.quiet_since = Instant::now();
                        return Some(Heard::Nothing);
                    }
                }
                () = self.dispatcher.edge().closing() => self.end(),
            }
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::List(list) => self.tell_lists(Some(list)),
            Event::AnyList => self.tell_lists(None),
            Event::Resource(uri) => self.tell_update(&uri),
            Event::Task(handle) => self.tell_task(&handle).await,
            Event::Aside(aside) => self.tell_aside(&aside),
            Event::Session => self.follow_marks().await,
        }
    }

    /// Goes on at the tenant as it is now.
    async fn take_tenant(&mut self) {
        let Some(tenant) = self.present.borrow_and_update().clone() else {
            return self.end();
        };
        let tenants = (&self.tenant, &tenant);
        let changed = self.dispatcher.lists_that_change(&self.principal, tenants);
        let changed = changed.await;
        let further = self.dispatcher.further_servers(&self.tenant, &tenant);
        self.hear(&further);
        self.tenant = tenant;
        for list in changed {
            self.tell_lists(Some(list));
        }
        // What may no longer be read is no longer told of.
        for (uri, handle) in std::mem::take(&mut self.watched) {
            if self.permit(Operation::ReadResource(uri.clone())).is_some() {
                self.watched.insert(uri, handle);
            } else {
                handle.abort();
            }
        }
        self.follow_marks().await;
    }

    /// What the principal may do at the tenant as it is now.
    fn permit(&self, operation: Operation) -> Option<Permit> {
        let policy = self.dispatcher.policy();
        let permit = policy.permit(&self.tenant, &self.principal, operation);
        permit.ok()
    }

    /// Graceful closure: the response that the request waited for.
    fn end(&mut self) {
        self.is_over = true;
        if let Whose::Request(id) = &self.whose {
            let mut meta = Map::new();
            meta.insert(SUBSCRIPTION_ID.to_owned(), json!(id));
            let closed = self.dispatcher.listened(id, &meta);
            self.ready.extend(closed.ok().map(Reply::into_bytes));
        }
    }

    /// Follows a task, where it is the caller's.
    async fn follow(&mut self, handle: &str) -> bool {
        if self.task(handle).await.is_none() {
            return false;
        }
        let edge = self.dispatcher.edge();
        let bell = edge.bell(Digest::of(handle.as_bytes()));
        let handle = handle.to_owned();
        self.events
            .push(happening::rings(bell, move || Event::Task(handle.clone())));
        true
    }

    fn tell_lists(&mut self, changed: Option<ListChange>) {
        for list in self.lists.clone() {
            if changed.is_none_or(|changed| changed == list) {
                let method = match list {
                    ListChange::Tools => "notifications/tools/list_changed",
                    ListChange::Resources => "notifications/resources/list_changed",
                    ListChange::Prompts => "notifications/prompts/list_changed",
                };
                self.tell(method, Map::new());
            }
        }
    }

    fn tell_update(&mut self, uri: &str) {
        let mut params = Map::new();
        params.insert("uri".to_owned(), json!(uri));
        self.tell("notifications/resources/updated", params);
    }

    /// What a server tells this client beside its calls; of its log, what the session wants.
    fn tell_aside(&mut self, aside: &Aside) {
        if aside.method == "notifications/message" {
            let level = aside.params.get("level").and_then(Value::as_str);
            let level = level.and_then(LogLevel::named);
            if level.is_none_or(|level| level < self.level) {
                return;
            }
        }
        self.tell(&aside.method, aside.params.clone());
    }

    async fn tell_task(&mut self, handle: &str) {
        if let Some(task) = self.task(handle).await {
            self.tell("notifications/tasks", tasks::detailed(handle, &task));
        }
    }

    /// The task of that handle, where it is the caller's and of a tool that the caller may use.
    async fn task(&mut self, handle: &str) -> Option<StoredTask> {
        let (tool, _) = handle.rsplit_once('.')?;
        self.permit(Operation::CallTool(tool.to_owned()))?;
        let task = self.dispatcher.edge().task(&self.principal, handle).await;
        task.ok()
    }

    fn tell(&mut self, method: &str, mut params: Map<String, Value>) {
        if let Whose::Request(id) = &self.whose {
            params.insert("_meta".to_owned(), json!({ SUBSCRIPTION_ID: id }));
        }
        self.ready.push_back(notification(method, &params));
    }
}

/// True when a stream that was silent since then would be for too long until the next look at it.
pub(super) fn is_silent(since: Instant) -> bool {
    since.elapsed() + DOUBT_EVERY > QUIET
}

/// The texts of a filter's list.
fn texts<'a>(filter: &'a Map<String, Value>, name: &'static str) -> Result<Vec<&'a str>, Fault> {
    let Some(list) = filter.get(name) else {
        return Ok(Vec::new());
    };
    let texts = list
        .as_array()
        .filter(|items| items.len() <= WATCHED)
        .and_then(|items| items.iter().map(Value::as_str).collect());
    texts.ok_or_else(|| {
        let why = format!("{name} must be a list of at most {WATCHED} texts");
        Fault::InvalidParams(why.into())
    })
}
