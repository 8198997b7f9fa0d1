//! Work on catalogues, which waits for files and for other processes: beside the threads of connections and of lookups.

use std::sync::Arc;

use crate::{app::App, problem::Problem, served::Served};

/// Calls `work` on a collection in a thread of its own, while as many others do as there are turns at most.
///
/// # Errors
/// The problem of `work`; one with status 429 beyond the bound.
pub async fn with_catalogue<T: Send + 'static>(
    app: &App,
    served: &Arc<Served>,
    work: impl FnOnce(&Served) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let turn = app.catalogue.clone().try_acquire_owned();
    let turn = turn.map_err(|_| Problem::busy("too many requests work on catalogues"))?;
    let served = served.clone();
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&served)
    });
    done.await.unwrap_or_else(|error| Err(Problem::internal(error)))
}
