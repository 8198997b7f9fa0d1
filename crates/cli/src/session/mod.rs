//! A run of the program: global options, output, device, threads and interruption.

pub mod interrupt;
mod outcome;
pub mod output;
pub mod progress;
pub mod release_events;
pub mod shard_run;
pub mod temporary_folder;
pub mod terminal_events;
pub mod whole_file;
mod write_lock;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};

pub use self::outcome::Outcome;
use crate::{
    args::Globals,
    device::{self, Chosen},
};

/// A run of the program, handed to its verb.
pub struct Session {
    globals: Globals,
    /// True once stdin is read.
    has_read_stdin: AtomicBool,
}

impl Session {
    pub fn new(globals: Globals) -> Self {
        Self { globals, has_read_stdin: AtomicBool::new(false) }
    }

    /// Returns the options of every verb.
    pub fn globals(&self) -> &Globals {
        &self.globals
    }

    /// Claims stdin for the one list that it can hold.
    ///
    /// # Errors
    /// If it was claimed before.
    pub fn take_stdin(&self) -> Result<()> {
        let is_taken = self.has_read_stdin.swap(true, Ordering::Relaxed);
        ensure!(!is_taken, "`-` is given twice, but stdin holds one list");
        Ok(())
    }

    /// Handles Ctrl-C from now on, and starts the threads.
    ///
    /// # Errors
    /// If the system refuses either.
    pub fn start(&self) -> Result<()> {
        interrupt::install()?;
        if let Some(threads) = self.globals.threads {
            let threads = threads.min(std::thread::available_parallelism()?);
            rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
        }
        Ok(())
    }

    /// Opens the device of `--device`, and notes on stderr what the user should know of the choice.
    ///
    /// # Errors
    /// If the device cannot be used.
    pub fn device(&self) -> Result<Chosen> {
        self.open(&self.globals.device)
    }

    /// Opens the device of `--device` for work on files, for which `auto` means the CPU: no GPU is started.
    ///
    /// # Errors
    /// If the device cannot be used.
    pub fn device_for_files(&self) -> Result<Chosen> {
        let name = self.globals.device.as_str();
        self.open(if name == "auto" { "cpu" } else { name })
    }

    fn open(&self, name: &str) -> Result<Chosen> {
        let chosen = device::choose(name)?;
        chosen.note.iter().for_each(|note| self.note(note));
        Ok(chosen)
    }
}

#[cfg(test)]
impl Session {
    /// Returns a session of unit tests, with the defaults of all options.
    pub fn of_tests() -> Self {
        use clap::Parser;
        let line = crate::args::Arguments::try_parse_from(["active-index", "devices"]);
        Self::new(line.expect("devices needs no arguments").globals)
    }
}
