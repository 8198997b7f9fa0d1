//! Page on which people confirm and reject possible matches.

mod desk;
mod view;

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use collection::Decision;
use serde::{Deserialize, Serialize};

use self::desk::Desk;
use super::{
    address::{address, chosen, name_of},
    form,
    layout::{self, Tab},
};
use crate::{
    api::{
        catalogue::with_catalogue,
        parameters::{Path, Query},
        reviews::DecisionName,
    },
    app::App,
    problem::Problem,
};

/// Path of the page.
const PATH: &str = "/review";

/// Reviews that the page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Collection, where several are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    /// Decision of the listed reviews; those that wait unless another is named.
    #[serde(default, skip_serializing_if = "DecisionName::is_undecided")]
    decision: DecisionName,
    /// Place at which the list begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Review in the middle; the first of the list unless one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    /// Review that has just been decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<i64>,
}

impl Shown {
    fn address(&self) -> String {
        address(PATH, self)
    }

    /// The same list with another review in the middle.
    fn with(&self, id: Option<i64>) -> Self {
        Self { id, done: None, ..self.clone() }
    }
}

/// Decision that a form sends, and the list that it leads back to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    decision: DecisionName,
    #[serde(default)]
    by: String,
    #[serde(default)]
    list: DecisionName,
    cursor: Option<String>,
    next: Option<i64>,
}

/// Shows a possible match beside the list of others.
pub async fn page(State(app): State<Arc<App>>, Query(shown): Query<Shown>) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    let shown = Shown { collection: name_of(&app, served), ..shown };
    let wanted = shown.clone();
    let desk = with_catalogue(&app, served, move |served| Desk::read(served, &wanted)).await?;
    Ok(layout::page(&app, "Review", Tab::Review, view::page(&app, &shown, &desk)))
}

/// Takes the decision of a form, and leads back to the list.
pub async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let served = chosen(&app, shown.collection.as_deref())?;
    let Decided { decision, by, list, cursor, next } = form::read(&app, &headers, body).await?;
    let decision = Decision::from(decision);
    with_catalogue(&app, served, move |served| {
        let by = Some(by.trim()).filter(|by| !by.is_empty());
        Ok(served.collection().decide(id, decision, by)?)
    })
    .await?;
    let (id, done) = match decision {
        // Whoever takes a decision back looks at it again.
        Decision::Undecided => (Some(id), None),
        _ => (next, Some(id)),
    };
    let back = Shown { collection: name_of(&app, served), decision: list, cursor, id, done };
    layout::see_other(&back.address())
}
