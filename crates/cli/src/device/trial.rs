//! Whether a device computes.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, OnceLock},
};

use burn::tensor::{Device, Tensor};

/// Adds two numbers on a device. Those that cannot start panic, some of them on a thread of their own: that is
/// caught and told as the reason, in a line.
pub fn computes(device: &Device) -> Result<(), String> {
    let sum = || (Tensor::<1>::ones([1], device) + 1.0).try_into_data();
    let sum = quietly(sum)?.map_err(|error| one_line(&error.to_string()))?;
    match sum.as_slice::<f32>() {
        Ok([2.0]) => Ok(()),
        other => Err(format!("1 + 1 is {other:?} there")),
    }
}

/// What `work` returns, or the message of the first panic on any thread, which is not printed.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let first = Arc::new(OnceLock::new());
    let heard = first.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or("it panics without a reason");
        heard.get_or_init(|| one_line(said));
    }));
    let worked = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(before);
    worked.map_err(|_| first.get().cloned().unwrap_or_else(|| "it does not start".to_owned()))
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
            worker.join().unwrap_or_else(|_| panic!("the worker is gone"))
        });
        assert_eq!(refused, Err("no driver".to_owned()));
    }
}
