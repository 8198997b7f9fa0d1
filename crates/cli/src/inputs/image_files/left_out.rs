//! Files and folders that are left out of a run.

use serde::Serialize;

/// Number of files and folders that hold no images, and the folders that nobody could look into.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LeftOut {
    /// Number of files that are no images, and of files and folders that systems keep among photographs.
    pub skipped: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

/// A folder that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    pub folder: String,
    pub error: String,
}

impl LeftOut {
    /// Returns true if images may be missing.
    pub fn failed(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// Adds what another search left out.
    pub fn extend(&mut self, other: Self) {
        self.skipped += other.skipped;
        self.unreadable.extend(other.unreadable);
    }

    /// Returns a last line, with the line break in front, or nothing if nothing is left out.
    pub fn line(&self) -> String {
        self.text().replacen("; ", "\n", 1)
    }

    /// Returns the end of the last line, which is empty if nothing is left out.
    pub fn text(&self) -> String {
        let folders = match self.unreadable.len() {
            0 => String::new(),
            1 => "; 1 folder cannot be read".to_owned(),
            n => format!("; {n} folders cannot be read"),
        };
        match self.skipped {
            0 => folders,
            1 => format!("; 1 other file skipped{folders}"),
            n => format!("; {n} other files skipped{folders}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_ends_with_what_is_left_out() {
        let unreadable = |n| vec![Unreadable { folder: "a".to_owned(), error: "no".to_owned() }; n];
        let text = |skipped, n| LeftOut { skipped, unreadable: unreadable(n) }.text();
        assert_eq!(
            LeftOut { skipped: 3, unreadable: unreadable(1) }.line(),
            "\n3 other files skipped; 1 folder cannot be read"
        );
        assert_eq!(text(0, 0) + &LeftOut::default().line(), "");
        assert_eq!(text(1, 1), "; 1 other file skipped; 1 folder cannot be read");
        assert_eq!(text(12, 2), "; 12 other files skipped; 2 folders cannot be read");
    }
}
