//! The audit log's view of a request: which ones are recorded, and how they went.

use super::error::Fault;
use super::message::Request;
use super::reply::Reply;
use crate::audit::{Action, Call, Overloaded, Recorder};
use crate::model::Outcome;
use crate::resource_server::{Operation, Permit};

/// What a caller reads whose call could not be written down.
const NOT_RECORDED: &str = "This gateway can't write its audit log at the moment: try again later";

/// How a request goes that is being answered.
pub(super) struct Course<'queue> {
    record: Option<Call<'queue>>,
    /// The result tells of a failure.
    pub(super) tells_of_failure: bool,
}

impl<'queue> Course<'queue> {
    /// Opens its record, where it has one.
    pub(super) async fn open(
        recorder: Option<&'queue Recorder>,
        permit: &Permit,
        request: &Request,
    ) -> Result<Self, Fault> {
        Ok(Self {
            record: open(recorder, permit, request).await?,
            tells_of_failure: false,
        })
    }

    pub(super) fn end(self, answered: &Result<Reply, Fault>) {
        if let Some(mut record) = self.record {
            record.went(outcome(answered, self.tells_of_failure));
        }
    }
}

/// The record of a call that is about to be made; none of mere conversation. A call for which there
/// is no room in the log's queue isn't made.
async fn open<'queue>(
    recorder: Option<&'queue Recorder>,
    permit: &Permit,
    request: &Request,
) -> Result<Option<Call<'queue>>, Fault> {
    let (action, target) = match permit.operation() {
        Operation::CallTool(name) => (Action::CallTool, name),
        Operation::ReadResource(uri) => (Action::ReadResource, uri),
        Operation::GetPrompt(name) => (Action::GetPrompt, name),
        Operation::Converse => return Ok(None),
    };
    let Some(recorder) = recorder else {
        return Ok(None);
    };
    let opened = recorder.open(permit.caller(), action, target).await;
    let mut call = opened.map_err(|Overloaded| Fault::Unavailable(NOT_RECORDED))?;
    if recorder.writes_arguments()
        && let Some(arguments) = request.params.get("arguments")
    {
        call.with_arguments(|| arguments.to_string());
    }
    Ok(Some(call))
}

/// How a request went that was answered like this; a result may tell of a failure as well.
fn outcome(answered: &Result<Reply, Fault>, tells_of_failure: bool) -> Outcome {
    match answered {
        Ok(_) if tells_of_failure => Outcome::Failed,
        Ok(_) => Outcome::Success,
        Err(Fault::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    }
}
