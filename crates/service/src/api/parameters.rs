//! Parameters of queries and paths, whose errors are problems.

use std::{str::FromStr, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use collection::Filter;
use serde::de::DeserializeOwned;

use crate::{app::App, problem::Problem, served::Served};

/// Largest number of conditions of a request.
const CONDITIONS: usize = 16;

/// Parameters in the query of an address.
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let wrong = |error| Problem::bad_request(format!("the parameters of the address: {error}"));
        serde_html_form::from_str(query).map(Self).map_err(wrong)
    }
}

/// Parameters in the path of an address.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// Collection of a name, or the only one if none is named.
///
/// # Errors
/// A problem with status 400 or 404 that lists the names.
pub fn collection<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Arc<Served>, Problem> {
    let names = || app.collections.names();
    match name {
        Some(name) => named_collection(app, name),
        None => app.collections.only().ok_or_else(|| {
            Problem::bad_request(format!("the parameter collection must be one of {}", names()))
        }),
    }
}

/// Collection of a name.
///
/// # Errors
/// A problem with status 404 that lists the names.
pub fn named_collection<'a>(app: &'a App, name: &str) -> Result<&'a Arc<Served>, Problem> {
    let missing = || format!("there is no collection {name:?}, expected one of {}", app.collections.names());
    app.collections.get(name).ok_or_else(|| Problem::not_found(missing()))
}

/// Collection of a name, or all if none is named.
///
/// # Errors
/// A problem with status 404 that lists the names.
pub fn collections<'a>(app: &'a App, name: Option<&str>) -> Result<Vec<&'a Arc<Served>>, Problem> {
    match name {
        Some(name) => Ok(vec![named_collection(app, name)?]),
        None => Ok(app.collections.iter().collect()),
    }
}

/// Filter of conditions `key=value`.
///
/// # Errors
/// A problem with status 400.
pub fn filter(conditions: &[String]) -> Result<Filter, Problem> {
    if conditions.len() > CONDITIONS {
        return Err(Problem::bad_request(format!("where may be given {CONDITIONS} times at most")));
    }
    let pair = |condition: &String| match condition.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Problem::bad_request("where must be a field and its value, such as licence=CC0")),
    };
    Ok(Filter { fields: conditions.iter().map(pair).collect::<Result<_, _>>()? })
}

/// Length of a page: the one that is asked for, `usual` without one.
///
/// # Errors
/// A problem with status 400 beyond 1 to `most`.
pub fn limit_within(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        limit => Err(Problem::bad_request(format!("limit must be 1 to {most}, found {limit}"))),
    }
}

/// Place at which a page begins, from the `next` of another page.
///
/// # Errors
/// A problem with status 400 for a text that no page has given.
pub fn cursor_of<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Problem> {
    let place = text.map(str::parse).transpose();
    place.map_err(|_| Problem::bad_request("cursor must be next of another page"))
}
