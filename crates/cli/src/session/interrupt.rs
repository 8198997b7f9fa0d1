//! Ctrl-C ends the program between writes: finished files stay whole, no half file stays behind.
//!
//! Work that has something to say of its first half asks to be told instead, and ends by itself; the second Ctrl-C
//! ends the program.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::scratch;

/// What the shell expects of a program that an interrupt ended.
const EXIT_CODE: i32 = 130;

static WRITING: Mutex<()> = Mutex::new(());
static IS_WATCHED: AtomicBool = AtomicBool::new(false);
static IS_REQUESTED: AtomicBool = AtomicBool::new(false);

/// Held while something is written that must not be left half done.
pub fn hold_off() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives, the first Ctrl-C only sets what [`Watch::is_requested`] says.
pub struct Watch(());

impl Watch {
    pub fn start() -> Self {
        IS_WATCHED.store(true, Ordering::SeqCst);
        Self(())
    }

    pub fn is_requested(&self) -> bool {
        IS_REQUESTED.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        IS_WATCHED.store(false, Ordering::SeqCst);
    }
}

/// Has Ctrl-C wait for what is being written, then end the program.
pub fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if IS_WATCHED.load(Ordering::SeqCst) && !IS_REQUESTED.swap(true, Ordering::SeqCst) {
            eprintln!("interrupted; finishing with what there is (again to end at once)");
            return;
        }
        let _finished = hold_off();
        scratch::remove_all();
        eprintln!("interrupted; what is finished is on disk");
        std::process::exit(EXIT_CODE);
    })?;
    Ok(())
}
