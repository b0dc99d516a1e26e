//! What is known of a server's lists: kept for a while, read again behind those who ask, and kept
//! on where the server can't be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::super::Catalogue;
use super::catalogue::{self, Taken};
use super::failure::Failure;
use super::line::Line;
use super::linking::Person;
use super::rewrite::Rewriter;
use super::supply::Inspector;

/// The lists of one server.
#[derive(Debug)]
pub(super) struct Shelf {
    line: Arc<Line>,
    rewriter: Rewriter,
    taken: Arc<dyn Taken>,
    person: Option<Arc<Person>>,
    inspector: Inspector,
    known: watch::Sender<Known>,
    is_reading: AtomicBool,
    /// What a look says that is under way when something changed: not this.
    is_outdated: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Known {
    catalogue: Arc<Catalogue>,
    /// From when on it is read again; none before it was read at all.
    stale_at: Option<Instant>,
    /// True while the person has to link their account first.
    wants_account: bool,
}

/// How long lists are kept: at least, at most, where the server says nothing, and where it failed.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_mins(10);
const UNSAID: Duration = Duration::from_mins(1);
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How long somebody waits for lists that were never read. The server may take longer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Shelf {
    pub(super) fn new(
        line: Arc<Line>,
        rewriter: Rewriter,
        taken: Arc<dyn Taken>,
        (inspector, person): (Inspector, Option<Arc<Person>>),
    ) -> Self {
        Self {
            person,
            line,
            rewriter,
            taken,
            inspector,
            known: watch::Sender::default(),
            is_reading: AtomicBool::new(false),
            is_outdated: AtomicBool::new(false),
        }
    }

    /// True while the person has to link their account before there is anything.
    pub(super) fn wants_account(&self) -> bool {
        self.known.borrow().wants_account
    }

    /// What the server has. Only the first one who asks has to wait.
    pub(super) async fn catalogue(self: &Arc<Self>) -> Arc<Catalogue> {
        let (is_known, is_fresh, catalogue) = {
            let known = self.known.borrow();
            let fresh = known.stale_at.is_some_and(|at| Instant::now() < at);
            (
                known.stale_at.is_some() && !known.wants_account,
                fresh,
                Arc::clone(&known.catalogue),
            )
        };
        if is_fresh {
            return catalogue;
        }
        let mut reader = self.known.subscribe();
        self.read();
        if is_known {
            return catalogue;
        }
        let now = Instant::now();
        let read = reader.wait_for(|known| known.stale_at.is_some_and(|at| at > now));
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(known)) => Arc::clone(&known.catalogue),
            Ok(Err(_)) | Err(_) => Arc::new(self.nothing()),
        }
    }

    /// Reads again what changed, before anybody is told; true when it was read.
    pub(super) async fn refresh(self: &Arc<Self>) -> bool {
        let mut reader = self.known.subscribe();
        reader.mark_unchanged();
        self.is_outdated.store(true, Ordering::Release);
        self.read();
        let read = reader.changed();
        tokio::time::timeout(PATIENCE, read).await.is_ok()
    }

    /// Begins to read, unless that is under way.
    fn read(self: &Arc<Self>) {
        if self.is_reading.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::spawn(Arc::clone(self).read_on());
    }

    /// Reads until nothing changed while it did.
    async fn read_on(self: Arc<Self>) {
        loop {
            self.is_outdated.store(false, Ordering::Release);
            let read = catalogue::read(&self.line, &self.rewriter, &*self.taken).await;
            if self.is_outdated.load(Ordering::Acquire) {
                continue;
            }
            let read = match read {
                Ok(read) => self.inspector.admit(read).await,
                Err(failure) => Err(failure),
            };
            self.keep(read);
            self.is_reading.store(false, Ordering::Release);
            let is_over = !self.is_outdated.load(Ordering::Acquire);
            if is_over || self.is_reading.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }

    fn keep(&self, read: Result<catalogue::Read, Failure>) {
        let now = Instant::now();
        self.known.send_modify(|known| match read {
            Ok(read) => {
                let ttl = read.ttl.unwrap_or(UNSAID).clamp(LEAST, MOST);
                known.catalogue = Arc::new(read.catalogue);
                known.stale_at = Some(now + ttl);
                known.wants_account = false;
            }
            Err(Failure::NotLinked) if self.person.is_some() => {
                let person = self.person.as_ref();
                let catalogue = person.map(|it| it.catalogue(&self.rewriter.0));
                known.catalogue = Arc::new(catalogue.unwrap_or_default());
                // Who links an account looks at once.
                known.stale_at = Some(now);
                known.wants_account = true;
            }
            Err(failure) => {
                tracing::warn!(
                    server = self.line.label, %failure,
                    "the lists of a mounted server can't be read"
                );
                let mut catalogue = Catalogue::clone(&known.catalogue);
                catalogue.unreachable = Some(self.line.name.clone());
                known.catalogue = Arc::new(catalogue);
                known.stale_at = Some(now + AFTER_FAILURE);
            }
        });
    }

    fn nothing(&self) -> Catalogue {
        Catalogue {
            unreachable: Some(self.line.name.clone()),
            ..Catalogue::default()
        }
    }
}
