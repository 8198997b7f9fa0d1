//! Interruption by Ctrl-C, which ends the program between writes: finished files are whole, and no partial file stays
//! behind.
//!
//! Work that can report its first half watches for the interruption and ends by itself; a second Ctrl-C then ends the
//! program.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{output::message, temporary_folder};

/// Exit code of a program that an interrupt ended, as shells expect it.
pub const EXIT_CODE: u8 = 130;

static WRITING: Mutex<()> = Mutex::new(());
static IS_WATCHED: AtomicBool = AtomicBool::new(false);
static IS_REQUESTED: AtomicBool = AtomicBool::new(false);
static ANSWER: Mutex<&str> = Mutex::new(REPORTING);

/// Line after the first Ctrl-C, for verbs that report their first half.
const REPORTING: &str = "interrupted: reporting the finished part (press Ctrl-C again to end at once)";

/// Delays an interruption while the guard lives, during a write that must be completed.
pub fn hold_off() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives, the first Ctrl-C does not end the program but sets [`Watch::is_requested`].
pub struct Watch(());

impl Watch {
    pub fn start() -> Self {
        Self::start_with(REPORTING)
    }

    /// Starts a watch in which the first Ctrl-C is answered with a line of its own.
    pub fn start_with(answer: &'static str) -> Self {
        *ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        IS_WATCHED.store(true, Ordering::SeqCst);
        Self(())
    }

    /// Returns true once the user has pressed Ctrl-C.
    pub fn is_requested(&self) -> bool {
        IS_REQUESTED.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        IS_WATCHED.store(false, Ordering::SeqCst);
    }
}

/// Makes Ctrl-C wait for the current write, remove temporary folders, then end the program.
///
/// # Errors
/// If the system refuses the handler.
pub fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if IS_WATCHED.load(Ordering::SeqCst) && !IS_REQUESTED.swap(true, Ordering::SeqCst) {
            message(*ANSWER.lock().unwrap_or_else(PoisonError::into_inner));
            return;
        }
        let _finished = hold_off();
        temporary_folder::remove_all();
        message("interrupted: finished files are on disk");
        std::process::exit(EXIT_CODE.into());
    })?;
    Ok(())
}
