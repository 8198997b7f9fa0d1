//! The pages of the service, in headless Chromium: each flow, checked against the API, with pictures in `target/screenshots`.
//!
//! Without `chromium` and `chromedriver` each test says that it was left out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and prints what helps to see why"
)]

mod browsing;
mod checks;
mod finding;
mod login;
mod releasing;
mod reviewing;
mod screenshots;
mod shop;
mod status;
mod webdriver;
