//! How a command ends: what is said, and the exit code (the names of sysexits.h).

use std::process::ExitCode;

use super::terminal;
use crate::app::TenantsTaken;
use crate::config::Problems;
use crate::jose::JoseError;
use crate::operations::OperationError;
use crate::store::StoreError;
use crate::telemetry::logging::InvalidFilter;

/// A command that can't mean what it says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// `EX_USAGE`: the command was used wrongly.
pub(super) const USAGE: u8 = 64;
/// `EX_UNAVAILABLE`: a service that is needed can't be reached.
const UNAVAILABLE: u8 = 69;
/// `EX_CONFIG`: there is something wrong with the configuration.
const CONFIG: u8 = 78;

/// What an operation's refusal is to whoever ran a command.
pub(super) fn refused(error: OperationError) -> anyhow::Error {
    match error {
        OperationError::Document(problems) => problems.into(),
        OperationError::Invalid { .. } | OperationError::Protected(_) => {
            Usage(error.to_string()).into()
        }
        OperationError::Missing { .. }
        | OperationError::Taken(_)
        | OperationError::Store(_)
        | OperationError::Keys(_)
        | OperationError::Password(_) => error.into(),
    }
}

/// Says what went wrong and returns the code for it.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    let text = match error.downcast_ref::<Problems>() {
        Some(problems) => format!("the configuration has mistakes:\n{problems}"),
        None => format!("{error:#}"),
    };
    // Where stderr is closed, the exit code has to say it alone.
    let _ = terminal::say(&format!("gatehouse: {text}"));
    code(error).into()
}

fn code(error: &anyhow::Error) -> u8 {
    let unavailable = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<StoreError>(),
            Some(StoreError::Unavailable(_))
        )
    });
    // Each of them says what is wrong with the key that the configuration gives.
    let wrong_key = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref::<JoseError>(),
            Some(JoseError::Sealed | JoseError::KeyFile(_))
        )
    });
    if unavailable {
        UNAVAILABLE
    } else if error.is::<Problems>()
        || error.is::<TenantsTaken>()
        || error.is::<InvalidFilter>()
        || wrong_key
    {
        CONFIG
    } else if error.is::<Usage>() {
        USAGE
    } else {
        1
    }
}
