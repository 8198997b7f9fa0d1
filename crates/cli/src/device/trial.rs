//! Trial of a device: one addition.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, OnceLock},
};

use burn::tensor::{Device, Tensor};

/// Adds two numbers on a device.
///
/// Devices that cannot start panic, some of them on threads of their own; the panic is caught.
///
/// # Errors
/// If the sum is not computed; the message is one line.
pub fn computes(device: &Device) -> Result<(), String> {
    let sum = || (Tensor::<1>::ones([1], device) + 1.0).try_into_data();
    let sum = quietly(sum)?.map_err(|error| one_line(&error.to_string()))?;
    match sum.as_slice::<f32>() {
        Ok([2.0]) => Ok(()),
        other => Err(format!("the device computes 1 + 1 = {other:?}")),
    }
}

/// Returns the result of `work`, or the message of the first panic on any thread, without printing it.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let first = Arc::new(OnceLock::new());
    let heard = first.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or("the device panics without a message");
        heard.get_or_init(|| one_line(said));
    }));
    let worked = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(before);
    worked.map_err(|_| first.get().cloned().unwrap_or_else(|| "the device does not start".to_owned()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_computes() {
        assert_eq!(computes(&Device::flex()), Ok(()));
    }

    #[test]
    fn the_first_panic_of_any_thread_is_the_reason() {
        let refused = quietly(|| {
            let worker = std::thread::spawn(|| panic!("no\n  driver"));
            worker.join().expect("the worker panics")
        });
        assert_eq!(refused, Err("no driver".to_owned()));
    }
}
