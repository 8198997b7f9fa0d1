//! `active-index`: makes images findable before they are released, and finds their edited copies.
//!
//! The only crate of the project that prints and picks a device.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program reports on both")]

mod args;
mod commands;
mod demonstration;
mod device;
mod inputs;
mod release;
mod report;
mod session;
mod side_files;
mod terminal;

// Transitional: old names, until the logic of evaluation has left this crate.
use inputs::{extractor::LoadedExtractor, installation as bundled};
use report::table;
use session::{Outcome, interrupt, output, progress, whole_file as files};
use side_files::entry_names as names;
mod engine {
    pub use crate::LoadedExtractor as Engine;
}
mod images {
    pub use crate::{inputs::image_files::*, release::pixel_tensor::*};
}
mod provenance {
    pub use crate::side_files::extractor_record::{ExtractorRecord as Provenance, Source as Known, *};
}
mod scratch {
    pub use crate::session::temporary_folder::TemporaryFolder as Scratch;
}

use std::process::ExitCode;

use crate::{args::Arguments, session::Session};

fn main() -> ExitCode {
    let arguments = Arguments::read().unwrap_or_else(|error| refuse(&error));
    let session = Session::new(arguments.globals);
    match session.start().and_then(|()| commands::run(&arguments.verb, &session)) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            session.output.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Ends the program with an error of the command line, or with the page of help that it asks for.
fn refuse(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        output::json_error(error.to_string().lines().next().unwrap_or_default());
    }
    error.exit()
}
