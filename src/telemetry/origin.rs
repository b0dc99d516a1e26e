//! The request that the present task works for, as the log's span has it: its identifier and where
//! it came from. The audit log writes both; nothing is ever decided by them.

use crate::model::RequestOrigin;

tokio::task_local! {
    static ORIGIN: RequestOrigin;
}

/// Does `work` for the request `origin`.
pub async fn within<T>(origin: RequestOrigin, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(origin, work).await
}

/// The request that this task works for.
#[must_use]
pub fn current() -> Option<RequestOrigin> {
    ORIGIN.try_with(|origin| *origin).ok()
}
