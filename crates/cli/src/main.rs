//! `active-index`: makes images findable before they are released, and finds their edited copies.
//!
//! The only crate of the project that prints and picks a device.

mod args;
mod device;
mod inputs;
mod objects;
mod outputs;
mod report;
mod session;
mod side_files;
mod verbs;

use std::process::ExitCode;

use crate::{
    args::Arguments,
    session::{Session, output},
};

fn main() -> ExitCode {
    let Arguments { globals, verb } = Arguments::read().unwrap_or_else(|error| refuse(&error));
    let session = Session::new(globals);
    match session.start().and_then(|()| verbs::run(&verb, &session)) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            session.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Ends the program with an error of the command line, or with the page of help that it asks for.
fn refuse(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        // Its first paragraph, which may be a list; hints and usage follow.
        let text = error.to_string();
        let words = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        output::json_error(words.join(" ").trim_start_matches("error: "));
    }
    error.exit()
}
