//! Results on stdout, as a table or as JSON; everything else on stderr.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::args::Globals;

/// Version of the JSON documents.
pub const SCHEMA: u32 = 1;

/// How to speak to the caller.
pub struct Output {
    json: bool,
    verbose: bool,
}

impl Output {
    pub fn new(globals: &Globals) -> Self {
        Self { json: globals.json, verbose: globals.verbose }
    }

    /// Prints a result: `document` with `--json`, `text` otherwise.
    pub fn result(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let text = if self.json { serde_json::to_string(document)? } else { text() };
        write_line(&text)
    }

    /// Prints a text that is no result.
    pub fn text(&self, text: &str) -> Result<()> {
        write_line(text.trim_end())
    }

    /// Says which input failed and why.
    pub fn failure(&self, input: &str, reason: &str) {
        eprintln!("{input}: {reason}");
    }

    /// Something that everybody should know.
    pub fn note(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Says what of an input was ignored.
    pub fn notes(&self, input: &str, notes: &[String]) {
        notes.iter().for_each(|note| eprintln!("{input}: note: {note}"));
    }

    /// Something worth knowing for those who asked for it.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("{}", text());
        }
    }

    /// The error that ends the program, in one line.
    pub fn error(&self, error: &anyhow::Error) {
        let line = one_line(error);
        eprintln!("error: {line}");
        if self.json {
            json_error(&line);
        }
    }
}

/// An error as a JSON document.
pub fn json_error(line: &str) {
    // Nothing is left to tell a caller that closed stdout.
    let _ = write_line(&json!({ "schema": SCHEMA, "error": line }).to_string());
}

/// The whole chain of an error in one line, without repeating what a cause already says.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{separator}{cause}");
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line on stdout; a reader that has gone away ends the program quietly.
fn write_line(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}
