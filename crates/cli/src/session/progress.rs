//! Progress bars, on stderr; hidden where stderr is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar of `length` steps.
pub fn bar(length: usize, what: &'static str) -> ProgressBar {
    styled(length as u64, what, "{msg} {wide_bar} {pos}/{len} {eta}")
}

/// Returns a bar of `length` bytes.
pub fn bytes(length: u64, what: impl Into<String>) -> ProgressBar {
    styled(length, what, "{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
}

fn styled(length: u64, what: impl Into<String>, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what.into())
}
