//! Pages for people: HTML that the service writes, with small scripts where these make it better.
//!
//! - [`layout`]: the frame of every page, and its headers. [`parts`]: building blocks. [`assets`]: style sheets and scripts.
//! - [`login`]: the cookie in which a browser keeps a token.
//! - [`form`]: forms as browsers send them. [`refusal`]: problems as pages.
//! - [`find`]: pictures are looked up and compared.
//!
//! Nothing is loaded from elsewhere, no page holds a script or a style in itself, and forms work without scripts.

mod assets;
mod find;
pub mod form;
pub mod layout;
mod login;
#[expect(dead_code, reason = "some are of the pages that follow")]
pub mod parts;
mod refusal;

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
        .route(LOGIN, get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{name}", get(assets::asset))
}
