//! Check of the English: doc comments open with a noun or a verb, and every file begins with a module comment.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{cargo, sources};

/// Words that make a doc comment a subordinate clause.
const OPENERS: [&str; 12] =
    ["How", "That", "Those", "What", "When", "Where", "Whether", "Which", "Who", "Whom", "Whose", "Why"];

/// Largest share of doc comments that open with one of them.
const ALLOWED: f64 = 0.02;

/// Checks all Rust files of the project, and prints the comments that open with one of the words.
///
/// # Errors
/// If their share is too large, or a file has no module comment.
pub fn check() -> Result<()> {
    let root = cargo::root()?;
    let (mut comments, mut bad, mut bare) = (0, 0, Vec::new());
    for path in sources::with_ending("rs")? {
        let name = path.strip_prefix(&root).unwrap_or(&path);
        let text = fs::read_to_string(&path).with_context(|| name.display().to_string())?;
        comments += openings(&text).count();
        bad += print_bad(name, &text);
        if !text.starts_with("//!") {
            bare.push(name.display().to_string());
        }
    }
    let share = f64::from(bad) / (comments as f64).max(1.0);
    println!("{bad} of {comments} doc comments ({:.2} %) open with {}", 100.0 * share, OPENERS.join("/"));
    ensure!(bare.is_empty(), "files without a module comment: {}", bare.join(", "));
    ensure!(share < ALLOWED, "at most {} % of doc comments may open so", 100.0 * ALLOWED);
    Ok(())
}

fn print_bad(name: &Path, text: &str) -> u32 {
    let bad = openings(text).filter(|(_, opening)| is_bad(opening));
    bad.map(|(line, opening)| println!("{}:{line}: {opening}", name.display())).count() as u32
}

fn is_bad(opening: &str) -> bool {
    let word = opening.split(|c: char| !c.is_alphanumeric()).next();
    word.is_some_and(|word| OPENERS.contains(&word))
}

/// First lines of the doc comments of a file, with their numbers from 1 on.
fn openings(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let comments = text.lines().map(doc_comment);
    let before = std::iter::once(None).chain(comments.clone());
    comments.zip(before).enumerate().filter_map(|(i, (comment, before))| {
        let (marker, line) = comment?;
        let opens = before.is_none_or(|(other, _)| other != marker);
        opens.then_some((i + 1, line))
    })
}

/// The marker and the text of a line that is part of a doc comment.
fn doc_comment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let marker = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker))?;
    let text = &line[marker.len()..];
    (!text.starts_with('/')).then_some((marker, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_of_a_comment_counts() {
        let text = "//! What is here.\n//! How so.\n\n/// Number of rows.\n/// That is all.\nfn f() {}\n//// Who.\n\
                    // Why.\n    /// Whose\n    x: u8,\n    /// Whatever";
        let bad: Vec<_> = openings(text).filter(|(_, opening)| is_bad(opening)).collect();
        assert_eq!(openings(text).count(), 4);
        assert_eq!(bad, [(1, "What is here."), (9, "Whose")]);
    }
}
