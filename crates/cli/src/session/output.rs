//! Output of the program: results on stdout, as text or JSON; everything else on stderr.
//!
//! Nobody may be reading any more. A message that cannot be written is lost, and the work goes on; a closed stdout does not
//! change the exit code.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use image_file::path_text;
use serde::Serialize;
use serde_json::json;

use super::Session;

/// Version of the JSON documents.
pub const SCHEMA: u32 = 1;

impl Session {
    /// Prints a result: `report` with `--json`, `text` otherwise.
    ///
    /// # Errors
    /// If stdout cannot be written to.
    pub fn result(&self, report: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let text = if self.globals.json { serde_json::to_string(report)? } else { text() };
        write_line(&text)
    }

    /// Prints a text that has no JSON form.
    ///
    /// # Errors
    /// If stdout cannot be written to.
    pub fn text(&self, text: &str) -> Result<()> {
        write_line(text.trim_end())
    }

    /// Reports an input that failed, with the reason.
    pub fn failure(&self, input: &str, reason: &str) {
        message(&format!("{input}: {reason}"));
    }

    /// Prints a note for every user.
    pub fn note(&self, text: &str) {
        message(text);
    }

    /// Notes that an interrupted run leaves a file as it is: one of that name is the outcome of a whole run.
    pub fn unwritten(&self, path: &Path) {
        message(&format!("{}: is not written, because the run was interrupted", path_text(path)));
    }

    /// Reports the parts of an input that were ignored.
    pub fn notes(&self, input: &str, notes: &[String]) {
        notes.iter().for_each(|note| message(&format!("{input}: note: {note}")));
    }

    /// Prints a note for users of `--verbose`.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.globals.verbose {
            message(&text());
        }
    }

    /// Reports the error that ends the program, in one line.
    pub fn error(&self, error: &anyhow::Error) {
        let line = one_line(error);
        message(&format!("error: {line}"));
        if self.globals.json {
            json_error(&line);
        }
    }
}

/// Prints a line on stderr.
pub fn message(line: &str) {
    // One write, so that lines of several threads do not mix. There is no place to report its failure.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Prints an error as a JSON document.
pub fn json_error(line: &str) {
    // A caller that closed stdout does not receive the error.
    let _ = write_line(&json!({ "schema": SCHEMA, "error": line }).to_string());
}

/// Joins an error and its causes in one line without control characters, and leaves out causes that the line already
/// contains.
pub fn one_line(error: &anyhow::Error) -> String {
    release::one_line(error.as_ref())
}

/// Prints a line on stdout. A reader that closed it wants no more, which is no error.
fn write_line(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}
