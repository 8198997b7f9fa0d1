//! Page with the state of a collection and of the service.

mod content;
mod plots;
mod seen;
mod view;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use serde::Deserialize;

use self::content::Content;
use super::{
    address::{chosen, name_of},
    layout::{self, Tab},
};
use crate::{
    api::{catalogue::with_catalogue, parameters::Query},
    app::App,
    problem::Problem,
};

/// Path of the page.
const PATH: &str = "/status";

/// Collection whose state is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    collection: Option<String>,
}

/// Shows the state of a collection and of the service.
pub async fn page(
    State(app): State<Arc<App>>,
    Query(Shown { collection }): Query<Shown>,
) -> Result<Response, Problem> {
    let served = chosen(&app, collection.as_deref())?;
    let content = with_catalogue(&app, served, Content::read).await?;
    let body = view::page(&app, name_of(&app, served).as_deref(), &content)?;
    Ok(layout::page(&app, "Status", Tab::Status, body))
}
