//! Calls that wait for their client between two of its rounds (2026-07-28 basic/patterns/mrtr), with
//! all that they have done: the answers may come to another replica, and what the call comes to
//! goes back there.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio_util::sync::DropGuard;

use super::caller::{Asking, Caller};
use super::dispatch::Dispatcher;
use super::edge::{Edge, NOTE_TTL};
use super::error::{Fault, RpcError};
use super::exchange::Outcome;
use super::lasting::LAST_CALLS;
use super::message::RequestId;
use super::reply::Reply;
use super::revision::Revision;
use super::rounds::{self, Rounds};
use crate::backends::{BackendError, Input, InputRequest, RelayedError};
use crate::model::{Digest, Principal, Secret};

/// Where a call waits, and for what. It goes sealed through the client's hands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// The call.
    id: String,
    /// The round that is to bring the answer.
    round: u32,
    /// What was asked.
    pub(super) requests: Map<String, Value>,
}

/// A call that is about to wait.
#[derive(Debug)]
pub(super) struct Parking {
    pub(super) place: Place,
    /// Where it waited before.
    pub(super) before: Option<Place>,
    /// The result that the client gets.
    pub(super) asked: Vec<u8>,
}

/// What is left for whoever waits for the outcome of a round.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// The result of the call, dressed.
    Result(Box<RawValue>),
    /// Its error.
    Error {
        code: i64,
        message: String,
        data: Option<Value>,
    },
    /// More is asked.
    InputRequired(Box<RawValue>),
}

/// For how long a call waits for a person.
const PATIENCE: Duration = Duration::from_mins(10);

/// How soon the call must have taken the answers; it is gone with its process otherwise.
const TAKEN: Duration = Duration::from_secs(15);

/// How many calls and questions may be noted under one topic.
const ONE: u32 = 1;

impl Place {
    /// The next place of the call that waited at `before`, or the first one of a call.
    pub(super) fn next(
        edge: &Edge,
        before: Option<&Self>,
        key: &str,
        request: InputRequest,
    ) -> Self {
        let method = request.method();
        let params = request.into_params();
        let wanted = serde_json::json!({ "method": method, "params": params });
        Self {
            id: match before {
                Some(before) => before.id.clone(),
                None => Secret::generate(&*edge.seals.random).expose().to_owned(),
            },
            round: before.map_or(1, |before| before.round.saturating_add(1)),
            requests: Map::from_iter([(key.to_owned(), wanted)]),
        }
    }

    /// What notes about this place are left under.
    fn topic(&self, about: &str) -> Digest {
        Digest::of(format!("parked/{}/{}/{about}", self.id, self.round).as_bytes())
    }

    fn cancellation(&self) -> Digest {
        Digest::of(format!("parked/{}/cancelled", self.id).as_bytes())
    }
}

impl Caller {
    /// Where the call waits.
    pub(super) fn place(&self) -> Option<Place> {
        match &*self.asking() {
            Asking::Rounds(rounds) => rounds.place().cloned(),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => None,
        }
    }

    /// The call that waits for this round, with the round.
    pub(super) fn resumed(&self) -> Option<(Place, Rounds)> {
        let mut asking = self.asking();
        let place = match &*asking {
            Asking::Rounds(rounds) => rounds.place().cloned(),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => None,
        }?;
        match std::mem::replace(&mut *asking, Asking::Nobody) {
            Asking::Rounds(rounds) => Some((place, *rounds)),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => None,
        }
    }

    /// Lets the call wait at its next place, where its client is one of rounds.
    pub(super) fn park(&self, key: &str, request: InputRequest) -> Option<Result<Parking, Fault>> {
        let mut asking = self.asking();
        let Asking::Rounds(rounds) = &mut *asking else {
            return None;
        };
        let before = rounds.place().cloned();
        let place = Place::next(&self.edge, before.as_ref(), key, request);
        rounds.park(place.clone());
        let asked = rounds.result(&self.edge, &self.principal);
        Some(asked.map(|asked| Parking {
            place,
            before,
            asked,
        }))
    }
}

impl Edge {
    /// Waits for the answer to the one question of `place`.
    pub(super) async fn parked_answer(
        &self,
        principal: &Principal,
        place: &Place,
        request: &InputRequest,
    ) -> Result<Input, BackendError> {
        const LOST: BackendError = BackendError::Unavailable("the answer could not be read");
        let tenant = &principal.tenant;
        let bell = self.bell(place.topic("answers"));
        let note = tokio::select! {
            note = self.first_note(tenant, &bell) => note,
            () = self.closing() => {
                return Err(BackendError::Unavailable("the server is stopping"));
            }
            () = tokio::time::sleep(PATIENCE) => {
                return Err(BackendError::Unavailable("the client did not answer"));
            }
        };
        let taken = (NOTE_TTL, ONE);
        let left = self.leave(tenant, place.topic("taken"), String::new(), taken);
        left.await.map_err(|_| LOST)?;
        let mut answers: Map<String, Value> = serde_json::from_str(&note).map_err(|_| LOST)?;
        let key = place.requests.keys().next().ok_or(LOST)?;
        let answer = answers.remove(key).ok_or(LOST)?;
        rounds::check(key, request, &answer)?;
        let Value::Object(answer) = answer else {
            return Err(LOST);
        };
        Ok(answer)
    }

    /// Leaves what a round came to for whoever waits for it.
    async fn leave_outcome(
        &self,
        principal: &Principal,
        place: &Place,
        note: &Note,
    ) -> Result<(), Fault> {
        let body = serde_json::to_string(note)?;
        let topic = place.topic("outcome");
        self.leave(&principal.tenant, topic, body, (NOTE_TTL, ONE))
            .await?;
        Ok(())
    }

    /// Asks the client that waits for the outcome of `before` for more.
    pub(super) async fn leave_questions(
        &self,
        principal: &Principal,
        before: &Place,
        result: Vec<u8>,
    ) -> Result<(), Fault> {
        let text = String::from_utf8(result).map_err(|_| Fault::Internal)?;
        let note = Note::InputRequired(RawValue::from_string(text)?);
        self.leave_outcome(principal, before, &note).await
    }
}

/// Lets a call go on whose client was answered, and leaves what comes of it. `place` says where it
/// waits by then.
pub(super) async fn run(
    edge: Arc<Edge>,
    principal: Arc<Principal>,
    answer: BoxFuture<'static, Outcome>,
    place: impl Fn() -> Option<Place>,
    _gone: Option<DropGuard>,
) {
    let Some(first) = place() else {
        return;
    };
    let cancelled = edge.bell(first.cancellation());
    let closing = async {
        edge.closing().await;
        tokio::time::sleep(LAST_CALLS).await;
    };
    let outcome = tokio::select! {
        outcome = answer => outcome,
        _ = edge.first_note(&principal.tenant, &cancelled) => return,
        () = closing => Err(Fault::Closing.into()),
    };
    let note = match outcome {
        Ok(reply) => dressed(&reply).map(Note::Result),
        Err(error) => Some(Note::Error {
            code: error.fault().code(),
            message: error.fault().to_string(),
            data: error.object().get("data").cloned(),
        }),
    };
    if let (Some(place), Some(note)) = (place(), note)
        && let Err(fault) = edge.leave_outcome(&principal, &place, &note).await
    {
        tracing::warn!(%fault, "what a waiting call came to is lost");
    }
}

/// The result of a response.
fn dressed(reply: &Reply) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Response {
        result: Box<RawValue>,
    }
    let bytes = reply.clone().into_bytes();
    let response: Response = serde_json::from_slice(&bytes).ok()?;
    Some(response.result)
}

/// Tells the call that waits that its client has gone, unless it was answered.
struct Gone {
    edge: Arc<Edge>,
    principal: Arc<Principal>,
    topic: Option<Digest>,
}

impl Drop for Gone {
    fn drop(&mut self) {
        let (Some(topic), Ok(runtime)) = (self.topic, tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (edge, principal) = (Arc::clone(&self.edge), Arc::clone(&self.principal));
        runtime.spawn(async move {
            let bounds = (NOTE_TTL, ONE);
            drop(
                edge.leave(&principal.tenant, topic, String::new(), bounds)
                    .await,
            );
        });
    }
}

/// Brings the answers of a round to the call that waits for them; what that comes to.
pub(super) async fn resume(
    dispatcher: Arc<Dispatcher>,
    principal: Arc<Principal>,
    (place, rounds): (Place, Rounds),
    (id, revision): (RequestId, Revision),
) -> Outcome {
    let edge = dispatcher.edge();
    let given = match rounds.parked_answers() {
        Ok(Some(given)) => given,
        // Something is missing: it is asked for again, and the call waits on.
        Ok(None) => {
            let asked = rounds.result(edge, &principal);
            let asked = asked.and_then(|body| dispatcher.input_required(&id, revision, &body));
            return asked.map_err(|fault| fault.of(id));
        }
        Err(error) => return Err(Fault::from_backend(error, "", revision).of(id)),
    };
    let brought = async {
        let tenant = &principal.tenant;
        let (taken, outcome) = (
            edge.bell(place.topic("taken")),
            edge.bell(place.topic("outcome")),
        );
        let mut gone = Gone {
            edge: Arc::clone(edge),
            principal: Arc::clone(&principal),
            topic: Some(place.cancellation()),
        };
        let body = serde_json::to_string(&given)?;
        edge.leave(tenant, place.topic("answers"), body, (NOTE_TTL, ONE))
            .await?;
        let is_taken = edge.first_note(tenant, &taken);
        if tokio::time::timeout(TAKEN, is_taken).await.is_err() {
            return Err(Fault::Lost);
        }
        let note = edge.first_note(tenant, &outcome).await;
        gone.topic = None;
        match serde_json::from_str(&note)? {
            Note::Result(result) => Reply::with_result(&id, result.get()),
            Note::InputRequired(body) => {
                dispatcher.input_required(&id, revision, body.get().as_bytes())
            }
            Note::Error {
                code,
                message,
                data,
            } => {
                let error = RelayedError {
                    code,
                    message,
                    data,
                    is_modern: revision.is_modern(),
                };
                Err(Fault::Relayed(Box::new(error), revision))
            }
        }
    };
    brought
        .await
        .map_err(|fault: Fault| RpcError::with_id(fault, Some(id)))
}
