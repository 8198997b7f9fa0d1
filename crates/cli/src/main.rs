//! `active-index`: makes images findable before they are released, and finds their copies.
//!
//! The only place of the project that prints and picks a device.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bundled;
mod commands;
mod demonstration;
mod device;
mod engine;
mod files;
mod ids;
mod images;
mod interrupt;
mod names;
mod output;
mod progress;
mod provenance;
mod release;
mod report;
mod scratch;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Arguments, output::Output};

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| refuse(&error));
    let output = Output::new(&arguments.globals);
    match run(&arguments, &output) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            output.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Says what is wrong with the command line, or what was asked of it (`--help`), and ends the program.
fn refuse(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        output::json_error(error.to_string().lines().next().unwrap_or_default());
    }
    error.exit()
}

/// Whether every input was dealt with.
enum Outcome {
    Done,
    SomeFailed,
}

impl Outcome {
    fn of(any_failed: bool) -> Self {
        if any_failed { Self::SomeFailed } else { Self::Done }
    }
}

fn run(arguments: &Arguments, output: &Output) -> anyhow::Result<Outcome> {
    interrupt::install()?;
    if let Some(threads) = arguments.globals.threads {
        let threads = threads.min(std::thread::available_parallelism()?);
        rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
    }
    commands::run(&arguments.verb, &arguments.globals, output)
}
