//! What a database error means to a caller: conflict, unavailable for now, or failed.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;

use super::StoreError;

impl StoreError {
    /// Neither conflict nor outage: someone has to look at it.
    pub(super) fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
        if let Some(database) = error.as_database_error() {
            return if database.is_unique_violation() {
                Self::Conflict
            } else if will_pass(database) {
                Self::Unavailable(Box::new(error))
            } else {
                Self::failed(error)
            };
        }
        let unreachable = matches!(
            error,
            Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed
        );
        if unreachable {
            Self::Unavailable(Box::new(error))
        } else {
            Self::failed(error)
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::Execute(cause) = error {
            cause.into()
        } else {
            Self::failed(error)
        }
    }
}

/// True for what another try may not meet again.
fn will_pass(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        passes_in_postgres(&code)
    } else {
        code.parse().is_ok_and(passes_in_sqlite)
    }
}

/// By the classes of SQLSTATE (PostgreSQL, appendix A).
fn passes_in_postgres(code: &str) -> bool {
    // 08: connection. 40: deadlock, serialization. 53: resources, such as the disk. 57: operator
    // intervention, also the statement timeout.
    let classes = ["08", "40", "53", "57"];
    // A lock timeout, the timeout of an idle transaction, and a server that isn't primary any more.
    let codes = ["55P03", "25P03", "25006"];
    classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code)
}

/// By the primary result code, which is the low byte of the extended one.
fn passes_in_sqlite(code: i32) -> bool {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const IO: i32 = 10;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    matches!(code & 0xff, BUSY | LOCKED | IO | FULL | CANNOT_OPEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_answer_now_is_unavailable() {
        for code in [
            "08006", "40P01", "53100", "53300", "57014", "57P01", "25006",
        ] {
            assert!(passes_in_postgres(code), "{code}");
        }
        // SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_FULL
        for code in [5, 517, 13] {
            assert!(passes_in_sqlite(code), "{code}");
        }
        assert!(matches!(
            sqlx::Error::PoolTimedOut.into(),
            StoreError::Unavailable(_)
        ));
    }

    #[test]
    fn a_mistake_of_ours_is_no_outage() {
        for code in ["42P01", "23503", "22021", "28P01"] {
            assert!(!passes_in_postgres(code), "{code}");
        }
        // SQLITE_ERROR, SQLITE_CORRUPT, SQLITE_CONSTRAINT_FOREIGNKEY
        for code in [1, 11, 787] {
            assert!(!passes_in_sqlite(code), "{code}");
        }
        assert!(matches!(
            sqlx::Error::RowNotFound.into(),
            StoreError::Failed(_)
        ));
    }
}
