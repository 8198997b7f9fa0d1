//! `active-index`: makes images findable before they are released, and finds their copies.
//!
//! The only place of the project that prints, reads and writes image files, and picks a device.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bundled;
mod commands;
mod device;
mod engine;
mod files;
mod images;
mod interrupt;
mod names;
mod output;
mod progress;
mod report;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Arguments, output::Output};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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

/// Whether every input was dealt with.
enum Outcome {
    Done,
    SomeFailed,
}

fn run(arguments: &Arguments, output: &Output) -> anyhow::Result<Outcome> {
    interrupt::install()?;
    if let Some(threads) = arguments.globals.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
    }
    commands::run(&arguments.verb, &arguments.globals, output)
}
