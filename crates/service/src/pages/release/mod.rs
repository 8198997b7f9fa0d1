//! Page on which pictures are released, and their queue is watched.

mod view;
mod words;

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    address::{address, chosen, name_of},
    layout::{self, Tab},
};
use crate::{
    api::{
        parameters::{Path, Query},
        releases::{ReleaseList, ReleaseParameters, accept, id_of, jobs_of, removed, retried},
    },
    app::App,
    jobs::{JobPage, Jobs, ReleaseState},
    problem::Problem,
    served::Served,
};

/// Path of the page.
const PATH: &str = "/release";
/// Releases of a page.
const LIMIT: usize = 50;

/// Releases that the page shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Collection, where several are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    /// Release after which the list begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Number of pictures that have just been accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<usize>,
}

impl Shown {
    fn address(&self) -> String {
        address(PATH, self)
    }

    /// Address of a form that does something for the collection.
    fn action(&self, path: &str) -> String {
        let own = Self { collection: self.collection.clone(), ..Self::default() };
        address(&format!("{PATH}{path}"), &own)
    }
}

/// Releases, and whether some go on.
pub struct Queue {
    list: ReleaseList,
    is_busy: bool,
}

/// Shows the form for pictures, and the queue.
pub async fn page(State(app): State<Arc<App>>, Query(shown): Query<Shown>) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    let shown = Shown { collection: name_of(&app, served), ..shown };
    let queue = served.jobs().map(|jobs| queue(served, jobs, &shown)).transpose()?;
    Ok(layout::page(&app, "Release", Tab::Release, view::page(&app, served.name(), &shown, queue.as_ref())))
}

fn queue(served: &Served, jobs: &Jobs, shown: &Shown) -> Result<Queue, Problem> {
    let after = shown.cursor.as_ref().map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|()| Problem::bad_request("cursor must be that of a list of releases"))?;
    let mut found = jobs.page(&JobPage { state: None, after, limit: LIMIT + 1 })?;
    let goes_on = found.len() > LIMIT;
    found.truncate(LIMIT);
    let next = found.last().filter(|_| goes_on).map(|(id, _)| id.to_string());
    let mut list = ReleaseList::new(served.name(), &found);
    list.next = next;
    let is_busy =
        list.releases.iter().any(|own| [ReleaseState::Queued, ReleaseState::Running].contains(&own.state));
    Ok(Queue { list, is_busy })
}

/// Takes the pictures of a form, and leads back to the queue.
pub async fn release(
    State(app): State<Arc<App>>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    let parameters =
        ReleaseParameters { collection: Some(served.name().to_owned()), name: None, fields: Vec::new() };
    let accepted = accept(&app, &parameters, &headers, body).await?;
    let sent = Some(accepted.releases.len());
    layout::see_other(&Shown { collection: name_of(&app, served), cursor: None, sent }.address())
}

/// Deletes a release that does not run.
pub async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    removed(jobs_of(served)?, id_of(&id)?).await?;
    back(&app, served)
}

/// Has a failed release made again.
pub async fn retry(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    retried(&app, jobs_of(served)?, id_of(&id)?).await?;
    back(&app, served)
}

fn back(app: &App, served: &Served) -> Result<Response, Problem> {
    layout::see_other(&Shown { collection: name_of(app, served), ..Shown::default() }.address())
}
