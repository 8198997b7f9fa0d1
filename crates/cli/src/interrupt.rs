//! Ctrl-C ends the program between writes: finished files stay whole, no half file stays behind.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the shell expects of a program that an interrupt ended.
const EXIT_CODE: i32 = 130;

static WRITING: Mutex<()> = Mutex::new(());

/// Held while something is written that must not be left half done.
pub fn hold_off() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has Ctrl-C wait for what is being written, then end the program.
pub fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let _finished = hold_off();
        eprintln!("interrupted; what is finished is on disk");
        std::process::exit(EXIT_CODE);
    })?;
    Ok(())
}
