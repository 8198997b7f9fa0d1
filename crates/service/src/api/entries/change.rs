//! Changes of entries.

use std::sync::PoisonError;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
};
use collection::{Meta, State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::entry_view::{EntryAnswer, read};
use crate::{
    api::{
        body::{self, Upload},
        tag::{self, Condition},
    },
    app::App,
    problem::Problem,
    served::Served,
};

/// Media types of changes.
const JSON: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// State that a caller may give an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SettableState {
    /// Found by lookups.
    Live,
    /// Not found, until it is restored.
    Withdrawn,
}

/// Change of an entry, as a merge patch.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Fields with their new values; null removes a field.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    meta: Meta,
    /// New state.
    #[serde(default)]
    state: Option<SettableState>,
}

impl Change {
    pub fn of_fields(meta: Meta) -> Self {
        Self { meta, state: None }
    }

    pub fn of_state(state: SettableState) -> Self {
        Self { meta: Meta::new(), state: Some(state) }
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// Problems with the statuses 400, 408, 413, 415 and 429.
    pub async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let media_type = body::media_type(headers);
        if !JSON.contains(&media_type.as_str()) {
            return Err(Problem::unsupported(format!(
                "expected {}, found {media_type:?}",
                JSON.join(" or ")
            )));
        }
        let Upload { bytes, memory: _memory } = body::read_within(app, body, body::OBJECT).await?;
        body::json_object(&bytes)
    }
}

/// Changes an entry if it meets the condition, and returns it as it is then. Requests to this service take turns; another
/// process may still change the entry between the condition and the change.
///
/// # Errors
/// Problems with the statuses 404, 409, 412 and 422.
pub fn apply(
    served: &Served,
    id: i64,
    condition: &Condition,
    change: &Change,
) -> Result<EntryAnswer, Problem> {
    let _turn = served.change.lock().unwrap_or_else(PoisonError::into_inner);
    let before = read(served, id)?;
    if !condition.is_met_by(&tag::of(&before)?) {
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, format!("entry {id} has another tag")));
    }
    let collection = served.collection();
    let is_dropped =
        || Ok::<_, Problem>(collection.entry(id)?.is_some_and(|own| own.state == State::Dropped));
    if change.state == Some(SettableState::Live) && is_dropped()? {
        return Err(collection::Error::Dropped(id).into());
    }
    // Fields may be refused, so they come first: a refused change changes nothing.
    if !change.meta.is_empty() {
        collection.set_meta(id, &change.meta)?;
    }
    match change.state {
        None => {}
        Some(SettableState::Withdrawn) => collection.withdraw(&[id])?,
        Some(SettableState::Live) => collection.restore(&[id])?,
    }
    read(served, id)
}
