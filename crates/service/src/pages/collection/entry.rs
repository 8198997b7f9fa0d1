//! One entry: its page, its fields, its state.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use collection::{Entry, Meta};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{PATH, entry_view, list::Listed};
use crate::{
    api::{
        catalogue::with_catalogue,
        entries::{Change, EntryAnswer, SettableState, apply},
        parameters::{Path, Query},
        tag::{self, Condition},
    },
    app::App,
    pages::{
        address::{address, chosen, name_of},
        fields::Rows,
        form,
        layout::{self, Tab},
        parts::notice,
    },
    problem::Problem,
    served::Served,
};

/// Collection of an entry, and what has just been done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    /// Outcome of a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
}

/// Outcome of a form.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    Saved,
    Withdrawn,
    Restored,
}

/// Fields as a form sends them, and the tag of the entry that it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    tag: String,
    #[serde(default)]
    was: Vec<String>,
    #[serde(default)]
    name: Vec<String>,
    #[serde(default)]
    value: Vec<String>,
}

/// List that a form leads back to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    list: Option<String>,
}

/// Entry with its tag.
pub struct Content {
    pub collection: String,
    pub entry: Entry,
    pub tag: String,
}

impl Content {
    fn read(served: &Served, id: i64) -> Result<Self, Problem> {
        let missing = || Problem::not_found(format!("no entry of {} has the id {id}", served.name()));
        let entry = served.collection().entry(id)?.ok_or_else(missing)?;
        let collection = served.name().to_owned();
        let tag = tag::of(&EntryAnswer::new(&collection, entry.clone()))?;
        Ok(Self { collection, entry, tag })
    }
}

/// Shows an entry.
pub async fn entry(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(Opened { collection, done }): Query<Opened>,
) -> Result<Response, Problem> {
    let served = chosen(&app, collection.as_deref())?;
    let outcome = match done {
        None => html! {},
        Some(Done::Saved) => notice("good", html! { p { "The fields are saved." } }),
        Some(Done::Withdrawn) => {
            notice("good", html! { p { "The entry is withdrawn: it is found no more." } })
        }
        Some(Done::Restored) => notice("good", html! { p { "The entry is restored: it is found again." } }),
    };
    shown(&app, served, id, StatusCode::OK, outcome).await
}

async fn shown(
    app: &App,
    served: &Arc<Served>,
    id: i64,
    status: StatusCode,
    outcome: Markup,
) -> Result<Response, Problem> {
    let content = with_catalogue(app, served, move |served| Content::read(served, id)).await?;
    let body = entry_view::page(name_of(app, served), &content, outcome);
    Ok(layout::page_with(app, status, &content.entry.name, Tab::Collection, body))
}

/// Takes the fields of a form, if nobody else has changed the entry since it was shown.
pub async fn save(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(Opened { collection, .. }): Query<Opened>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let served = chosen(&app, collection.as_deref())?;
    let Fields { tag, was, name, value } = form::read(&app, &headers, body).await?;
    let rows = Rows { was, name, value };
    let saved = with_catalogue(&app, served, move |served| {
        let before = Content::read(served, id)?.entry.meta;
        let changes: Meta = rows.changes(&before);
        apply(served, id, &Condition::OneOf(vec![tag]), &Change::of_fields(changes))
    });
    match saved.await {
        Ok(_) => back_to(&app, served, id, Done::Saved),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reason = match status {
                StatusCode::PRECONDITION_FAILED => {
                    "Someone has changed the entry since you opened it: nothing is saved. Here it is as it is now.".to_owned()
                }
                StatusCode::UNPROCESSABLE_ENTITY => format!("Nothing is saved: {}.", problem.detail),
                _ => return Err(problem),
            };
            shown(&app, served, id, status, notice("bad", html! { p { (reason) } })).await
        }
    }
}

/// Withdraws an entry.
pub async fn withdraw(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(opened): Query<Opened>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    set_state(&app, id, opened, SettableState::Withdrawn, form::read(&app, &headers, body).await?).await
}

/// Restores an entry.
pub async fn restore(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(opened): Query<Opened>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    set_state(&app, id, opened, SettableState::Live, form::read(&app, &headers, body).await?).await
}

async fn set_state(
    app: &App,
    id: i64,
    Opened { collection, .. }: Opened,
    state: SettableState,
    Back { list }: Back,
) -> Result<Response, Problem> {
    let served = chosen(app, collection.as_deref())?;
    let change = Change::of_state(state);
    with_catalogue(app, served, move |served| apply(served, id, &Condition::Any, &change)).await?;
    let Some(list) = list else {
        let done = if state == SettableState::Live { Done::Restored } else { Done::Withdrawn };
        return back_to(app, served, id, done);
    };
    // Whatever it says, it leads to the list.
    let list: Listed = serde_html_form::from_str(&list).unwrap_or_default();
    let list = Listed { collection: name_of(app, served), done: Some(id), ..list };
    layout::see_other(&list.address())
}

fn back_to(app: &App, served: &Served, id: i64, done: Done) -> Result<Response, Problem> {
    let opened = Opened { collection: name_of(app, served), done: Some(done) };
    layout::see_other(&address(&format!("{PATH}/{id}"), &opened))
}
