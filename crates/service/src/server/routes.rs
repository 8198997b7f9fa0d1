//! All routes, what is done for each request, and answers where there is no route.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::observe::observe;
use crate::{api, app::App, pages, problem::Problem};

/// Routes of the API and of the pages.
pub fn router(app: &Arc<App>) -> Router {
    let observed = middleware::from_fn_with_state(app.clone(), observe);
    api::router()
        .merge(pages::router())
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the path has other methods, see the header allow")
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(observed)
        .with_state(app.clone())
}

/// Answer in the place of a handler's that panicked.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
