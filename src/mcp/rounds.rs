//! A call in several rounds (2026-07-28 basic/patterns/mrtr): each asks for what is missing, and
//! what was given goes through the client's hands, sealed, until the call can be answered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::edge::Edge;
use super::error::Fault;
use super::message::Request;
use super::parked::Place;
use super::seals::Purpose;
use crate::backends::{BackendError, Input, InputRequest, Round};
use crate::model::{Digest, Principal};

/// The rounds of one call, seen from the present one.
#[derive(Debug)]
pub(super) struct Rounds {
    call: Digest,
    given: Map<String, Value>,
    kept: Kept,
    missing: Map<String, Value>,
}

/// What the sealed state holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    answers: Map<String, Value>,
    state: Option<Value>,
    /// Where the call waits, where it does.
    #[serde(default)]
    parked: Option<Place>,
}

/// For how long a client may take for one round.
const ROUND: std::time::Duration = std::time::Duration::from_mins(15);

/// How long the state may be that goes through the client's hands.
const LONGEST_STATE: usize = 256 * 1024;

/// The members of the parameters that differ from round to round, or say nothing about the call.
const OF_THE_ROUND: [&str; 3] = ["_meta", "inputResponses", "requestState"];

impl Rounds {
    /// Takes what belongs to the round out of the request's parameters.
    pub(super) fn of(
        edge: &Edge,
        principal: &Principal,
        request: &mut Request,
    ) -> Result<Self, Fault> {
        let call = digest(&request.method, &request.params);
        let given = match request.params.remove("inputResponses") {
            None => Map::new(),
            Some(given) => responses(given)?,
        };
        let kept = match request.params.remove("requestState") {
            None => Kept::default(),
            // It was in the client's hands: what doesn't open is refused, never ignored.
            Some(state) => state
                .as_str()
                .and_then(|state| edge.seals.open(Purpose::State(&call), principal, state))
                .ok_or(Fault::InvalidParams(
                    "requestState is not valid here".into(),
                ))?,
        };
        let missing = kept.parked.as_ref().map(|place| place.requests.clone());
        Ok(Self {
            call,
            given,
            kept,
            missing: missing.unwrap_or_default(),
        })
    }

    /// The answers to `requests`, or a note of those that are missing.
    pub(super) fn ask(
        &mut self,
        requests: Vec<(String, InputRequest)>,
    ) -> Result<Vec<Input>, BackendError> {
        let mut answers = Vec::with_capacity(requests.len());
        for (key, request) in requests {
            let answer = match self.given.remove(&key) {
                None => self.kept.answers.get(&key).cloned(),
                Some(answer) => {
                    check(&key, &request, &answer)?;
                    self.kept.answers.insert(key.clone(), answer.clone());
                    Some(answer)
                }
            };
            if let Some(Value::Object(answer)) = answer {
                answers.push(answer);
            } else {
                let method = request.method();
                let wanted = json!({ "method": method, "params": request.into_params() });
                self.missing.insert(key, wanted);
            }
        }
        if self.missing.is_empty() {
            Ok(answers)
        } else {
            Err(BackendError::InputRequired)
        }
    }

    /// What this round brought, where somebody else's rounds go on in it.
    pub(super) fn round(&self) -> Option<Round> {
        let is_round = self.kept.state.is_some() || !self.given.is_empty();
        is_round.then(|| Round {
            state: self.kept.state.clone().unwrap_or_default(),
            answers: self.given.clone(),
        })
    }

    /// Leaves the questions of somebody else's round.
    pub(super) fn leave(&mut self, requests: Map<String, Value>, state: Value) {
        self.missing = requests;
        self.kept.state = Some(state);
    }

    /// Where the call waits.
    pub(super) fn place(&self) -> Option<&Place> {
        self.kept.parked.as_ref()
    }

    /// The call waits from now on.
    pub(super) fn park(&mut self, place: Place) {
        self.missing.clone_from(&place.requests);
        self.kept.parked = Some(place);
    }

    /// What this round brought for the call that waits; none where something is missing.
    pub(super) fn parked_answers(&self) -> Result<Option<Map<String, Value>>, BackendError> {
        let requests = self.kept.parked.iter().flat_map(|place| &place.requests);
        let mut answers = Map::new();
        for (key, request) in requests {
            let Some(answer) = self.given.get(key) else {
                return Ok(None);
            };
            if let Some(request) = InputRequest::read(request) {
                check(key, &request, answer)?;
            }
            answers.insert(key.clone(), answer.clone());
        }
        Ok(Some(answers))
    }

    /// What an earlier round left.
    pub(super) fn remembered(&self) -> Option<Value> {
        self.kept.state.clone()
    }

    /// Leaves something for the next round.
    pub(super) fn remember(&mut self, state: Value) {
        self.kept.state = Some(state);
    }

    /// The members of an `InputRequiredResult`.
    pub(super) fn result(&self, edge: &Edge, principal: &Principal) -> Result<Vec<u8>, Fault> {
        let purpose = Purpose::State(&self.call);
        let state = edge.seals.seal(purpose, principal, &self.kept, ROUND)?;
        if state.len() > LONGEST_STATE {
            return Err(Fault::Unavailable("the call has grown too long"));
        }
        let result = if self.missing.is_empty() {
            json!({ "requestState": state })
        } else {
            json!({ "inputRequests": self.missing, "requestState": state })
        };
        Ok(serde_json::to_vec(&result)?)
    }
}

/// The responses of a client by key, each an object.
pub(super) fn responses(given: Value) -> Result<Map<String, Value>, Fault> {
    if let Value::Object(given) = given
        && given.values().all(Value::is_object)
    {
        return Ok(given);
    }
    Err(Fault::InvalidParams(
        "inputResponses must be an object of objects".into(),
    ))
}

/// Refuses what is no result of what was asked.
pub(super) fn check(key: &str, request: &InputRequest, answer: &Value) -> Result<(), BackendError> {
    let is_one = match request {
        InputRequest::Sample(_) => {
            let text = |name| answer.get(name).is_some_and(Value::is_string);
            text("role") && text("model") && answer.get("content").is_some()
        }
        InputRequest::Elicit(_) => {
            let action = answer.get("action").and_then(Value::as_str);
            matches!(action, Some("accept" | "decline" | "cancel"))
                && answer.get("content").is_none_or(Value::is_object)
        }
        InputRequest::ListRoots => answer.get("roots").is_some_and(Value::is_array),
    };
    if is_one {
        Ok(())
    } else {
        let why = format!("the input response {key:?} is no result of its request");
        Err(BackendError::InvalidParams(why))
    }
}

/// What tells a call from every other one: its method and its parameters.
fn digest(method: &str, params: &Map<String, Value>) -> Digest {
    let mut text = method.as_bytes().to_vec();
    let mut members: Vec<_> = params
        .iter()
        .filter(|(name, _)| !OF_THE_ROUND.contains(&name.as_str()))
        .collect();
    members.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in members {
        append(&mut text, &Value::from(name.as_str()));
        append(&mut text, value);
    }
    Digest::of(&text)
}

/// Writes `value` so that equal values read alike, whatever the order of their members.
fn append(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            text.push(b'{');
            for (name, value) in members {
                append(text, &Value::from(name.as_str()));
                append(text, value);
            }
            text.push(b'}');
        }
        Value::Array(items) => {
            text.push(b'[');
            for item in items {
                append(text, item);
                text.push(b',');
            }
            text.push(b']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.extend_from_slice(value.to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(params: Value) -> Digest {
        let Value::Object(params) = params else {
            panic!("parameters are an object");
        };
        digest("tools/call", &params)
    }

    #[test]
    fn a_call_is_told_by_its_parameters_in_whatever_order() {
        let call = digest_of(json!({ "name": "a", "arguments": { "x": 1, "y": [2, "3"] } }));
        let again = json!({
            "arguments": { "y": [2, "3"], "x": 1 }, "name": "a",
            "_meta": {}, "requestState": "s", "inputResponses": {},
        });
        assert_eq!(digest_of(again), call);
        for other in [
            json!({ "name": "b", "arguments": { "x": 1, "y": [2, "3"] } }),
            json!({ "name": "a", "arguments": { "x": 1, "y": [2, 3] } }),
            json!({ "name": "a", "arguments": { "x": 1, "y": ["2,3"] } }),
            json!({ "name": "a" }),
        ] {
            assert_ne!(digest_of(other.clone()), call, "{other}");
        }
    }
}
