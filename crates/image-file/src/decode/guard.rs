//! Panics of decoders, caught as errors of their file.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
    thread,
};

use crate::{Error, Format, Result};

thread_local! {
    /// True while a decoder runs on this thread.
    static IS_DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Result of `decode`, or the message of its panic as an error of one line.
///
/// `decode` must own what it changes: nothing of a decoder that panicked is used again.
pub(super) fn guarded<T>(format: Format, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    silence_decoders();
    let before = IS_DECODING.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    IS_DECODING.set(before);
    decoded.unwrap_or_else(|panic| Err(Error::DecoderPanicked { format, reason: one_line(&*panic) }))
}

/// Extends the panic hook, once: panics of decoders, which become errors, are not reported, all others as before. A
/// program that sets its own hook later hears of them again.
fn silence_decoders() {
    static ONCE: Once = Once::new();
    // Hooks cannot be changed from a thread that panics.
    if thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !IS_DECODING.get() {
                before(about);
            }
        }));
    });
}

fn one_line(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().copied();
    let said = literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    said.unwrap_or("no message").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    fn panicking() -> String {
        let caught = guarded(Format::Tiff, || -> Result<()> { panic!("index 9\n  of {}", 3) });
        caught.unwrap_err().to_string()
    }

    #[test]
    fn panics_on_any_thread_are_errors_of_one_line_and_not_reported() {
        let (heard, before) = (Arc::new(AtomicUsize::new(0)), panic::take_hook());
        let counter = heard.clone();
        panic::set_hook(Box::new(move |about| {
            if about
                .payload_as_str()
                .is_some_and(|said| said.starts_with("index 9") || said == "not a decoder's")
            {
                counter.fetch_add(1, Ordering::Relaxed);
            } else {
                before(about);
            }
        }));
        let expected = "the TIFF decoder fails on this file: index 9 of 3";
        assert_eq!(panicking(), expected);
        assert_eq!(thread::spawn(panicking).join().unwrap(), expected);
        assert_eq!(heard.load(Ordering::Relaxed), 0);
        assert_eq!(guarded(Format::Png, || Ok(7)).unwrap(), 7);
        let other = thread::spawn(|| panic!("not a decoder's"));
        assert!(other.join().is_err());
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }
}
