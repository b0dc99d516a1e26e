//! A mounted server in a child process, over standard streams (2026-07-28 and 2025-11-25
//! basic/transports, stdio): an empty environment but for what is configured, a folder of its own,
//! and an end for all that it started.

mod group;
mod pump;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use super::failure::Failure;
use super::headers::SESSION;
use super::message::Heard;
use crate::model::UpstreamProcess;
use group::Group;
use pump::Waiting;

/// A server that is started when it is needed, and again when it has ended.
#[derive(Debug)]
pub(super) struct Process {
    label: String,
    settings: UpstreamProcess,
    /// How long a line may be.
    max_line: usize,
    running: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Arc<Running>>,
    /// How many were started.
    generation: u64,
    /// How many ended soon after their start, one after the other.
    failures: u32,
    /// Before that, no other one is started.
    not_before: Option<Instant>,
}

/// A process that runs. When nobody keeps it, it ends with all that it started.
#[derive(Debug)]
struct Running {
    generation: u64,
    started: Instant,
    input: mpsc::Sender<Bytes>,
    waiting: Arc<Waiting>,
    /// Tells the keeper of the process that nobody needs it.
    _needed: mpsc::Sender<()>,
}

/// What comes for one request.
#[derive(Debug)]
pub(super) struct ProcessConversation {
    received: mpsc::Receiver<Heard>,
    id: Option<u64>,
    running: Arc<Running>,
}

/// How many messages wait for a slow reader; what comes on top of that waits in the pipe.
const WAITING: usize = 64;

/// After how long a process that ended at once is started again, the first time and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A process that lasted so long has started well.
const STARTED_WELL: Duration = Duration::from_secs(30);

impl Process {
    pub(super) fn new(label: String, settings: UpstreamProcess, max_line: usize) -> Self {
        Self {
            label,
            settings,
            max_line,
            running: Mutex::default(),
        }
    }

    /// Sends the request `id`. The headers that come back name the session of the process.
    pub(super) async fn open(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(HeaderMap, ProcessConversation), Failure> {
        let running = self.running(headers).await?;
        let (sender, received) = mpsc::channel(WAITING);
        running.waiting.add(|requests| {
            requests.by_id.insert(id, sender);
        })?;
        let conversation = ProcessConversation {
            received,
            id: Some(id),
            running: Arc::clone(&running),
        };
        running.say(body).await?;
        let mut head = HeaderMap::new();
        head.insert(SESSION, HeaderValue::from(running.generation));
        Ok((head, conversation))
    }

    /// Sends a message that has no answer.
    pub(super) async fn send(&self, headers: &HeaderMap, body: Bytes) -> Result<(), Failure> {
        self.running(headers).await?.say(body).await
    }

    /// Hears what belongs to no request.
    pub(super) async fn listen(&self, headers: &HeaderMap) -> Result<ProcessConversation, Failure> {
        let running = self.running(headers).await?;
        let (sender, received) = mpsc::channel(WAITING);
        running
            .waiting
            .add(|requests| requests.listeners.push(sender))?;
        Ok(ProcessConversation {
            received,
            id: None,
            running,
        })
    }

    /// The process; the one of the session that `headers` name, where they name one.
    async fn running(&self, headers: &HeaderMap) -> Result<Arc<Running>, Failure> {
        let mut state = self.running.lock().await;
        if let Some(running) = &state.running {
            if running.waiting.is_open() {
                return running.of_session(headers.get(SESSION));
            }
            let lasted = running.started.elapsed();
            state.failures = if lasted < STARTED_WELL {
                state.failures + 1
            } else {
                0
            };
            if let Some(doublings) = state.failures.checked_sub(1) {
                let pause = FIRST_PAUSE.saturating_mul(1 << doublings.min(10));
                state.not_before = Some(Instant::now() + pause.min(LONGEST_PAUSE));
            }
            state.running = None;
        }
        if headers.contains_key(SESSION) {
            return Err(Failure::SessionEnded);
        }
        if state.not_before.is_some_and(|at| Instant::now() < at) {
            return Err(Failure::Unreachable);
        }
        state.generation += 1;
        let running = self.start(state.generation);
        let running = running.inspect_err(|_| {
            state.failures += 1;
            state.not_before = Some(Instant::now() + FIRST_PAUSE);
        })?;
        state.running = Some(Arc::clone(&running));
        Ok(running)
    }

    fn start(&self, generation: u64) -> Result<Arc<Running>, Failure> {
        let (mut group, streams) = Group::start(&self.settings).map_err(|error| {
            tracing::warn!(server = self.label, %error, "a mounted server can't be started");
            Failure::Unreachable
        })?;
        tracing::info!(
            server = self.label,
            pid = group.child.id(),
            "started a mounted server"
        );
        let waiting = Arc::new(Waiting::open());
        let (input, lines) = mpsc::channel(WAITING);
        let (needed, mut is_needed) = mpsc::channel::<()>(1);
        tokio::spawn(pump::write(streams.input, lines));
        tokio::spawn(group::log(streams.errors, self.label.clone()));
        let reading = pump::read(
            streams.output,
            self.max_line,
            Arc::clone(&waiting),
            input.clone(),
        );
        let (label, ended) = (self.label.clone(), Arc::clone(&waiting));
        tokio::spawn(async move {
            tokio::select! {
                why = reading => tracing::warn!(server = label, why, "a mounted server ended"),
                _ = is_needed.recv() => {}
            }
            ended.close();
            group.end().await;
        });
        Ok(Arc::new(Running {
            generation,
            started: Instant::now(),
            input,
            waiting,
            _needed: needed,
        }))
    }
}

impl Running {
    /// This, where the session is its own, or none is named.
    fn of_session(self: &Arc<Self>, session: Option<&HeaderValue>) -> Result<Arc<Self>, Failure> {
        let own = HeaderValue::from(self.generation);
        if session.is_none_or(|named| *named == own) {
            Ok(Arc::clone(self))
        } else {
            Err(Failure::SessionEnded)
        }
    }

    async fn say(&self, body: Bytes) -> Result<(), Failure> {
        self.input
            .send(body)
            .await
            .map_err(|_| Failure::Unreachable)
    }
}

impl ProcessConversation {
    /// The next message; none when the process has ended.
    pub(super) async fn next(&mut self) -> Result<Option<Heard>, Failure> {
        self.received
            .recv()
            .await
            .map(Some)
            .ok_or(Failure::Unreachable)
    }
}

impl Drop for ProcessConversation {
    fn drop(&mut self) {
        if let (Some(id), Some(requests)) = (self.id, self.running.waiting.lock().as_mut()) {
            requests.by_id.remove(&id);
        }
    }
}
