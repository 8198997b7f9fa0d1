//! Errors of Lance and of object stores, as errors of collections.

use std::fmt::Display;

use collection::Error;

/// Returns a function that makes an error of Lance or of an object store one of the collection at `location`.
pub fn at<E: Display>(location: &str) -> impl FnOnce(E) -> Error + '_ {
    move |error| Error::Engine { location: location.to_owned(), reason: one_line(&error) }
}

/// First line of an error without the place in Lance's source that it ends with.
fn one_line(error: &impl Display) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let end = line.rfind(", ").filter(|&end| line[end..].contains(".rs:"));
    line[..end.unwrap_or(line.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_the_source_is_left_out() {
        let error = "Not found: a/b, /home/a/lance-14.0.2/src/dataset.rs:12:3\nBacktrace:";
        assert_eq!(one_line(&error), "Not found: a/b");
        assert_eq!(one_line(&"no, nothing"), "no, nothing");
        assert_eq!(one_line(&""), "");
    }
}
