//! Pages for people: HTML that the service writes, with small scripts where these make it better.
//!
//! - [`layout`]: the frame of every page, and its headers. [`parts`]: building blocks. [`assets`]: style sheets and scripts.
//! - [`login`]: the cookie in which a browser keeps a token.
//! - [`form`]: forms as browsers send them. [`refusal`]: problems as pages.
//! - [`find`]: pictures are looked up and compared. [`review`]: possible matches are confirmed and rejected.
//!   [`collection`]: entries are listed and changed. [`release`]: pictures are released.
//!   [`status`]: state of a collection, with plots.
//!
//! Nothing is loaded from elsewhere, no page holds a script or a style in itself, and forms work without scripts.

pub mod address;
mod assets;
mod collection;
mod fields;
mod find;
pub mod form;
pub mod layout;
mod login;
mod moment;
pub mod parts;
mod plot;
mod refusal;
mod release;
mod review;
mod status;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

pub use self::refusal::{Reader, shown};
use crate::app::App;

/// Path of the page on which a token is given.
pub const LOGIN: &str = "/login";
/// Routes that are answered without a token.
pub const WITHOUT_TOKEN: [&str; 2] = [LOGIN, "/assets/{name}"];

/// Routes of all pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(find::form).post(find::answered_form))
        .route("/find", post(find::answered_picture))
        .route("/review", get(review::page))
        .route("/review/{id}", post(review::decide))
        .route("/collection", get(collection::list))
        .route("/collection/{id}", get(collection::entry))
        .route("/collection/{id}/fields", post(collection::save))
        .route("/collection/{id}/withdraw", post(collection::withdraw))
        .route("/collection/{id}/restore", post(collection::restore))
        .route("/release", get(release::page).post(release::release))
        .route("/release/{id}/delete", post(release::delete))
        .route("/release/{id}/retry", post(release::retry))
        .route("/status", get(status::page))
        .route(LOGIN, get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{name}", get(assets::asset))
}
