//! GPUs that NVIDIA's driver offers, through the driver's own library.

use std::ffi::{CStr, c_char, c_int, c_uint};

use libloading::Library;

use super::cards::{Card, Kind};

#[cfg(windows)]
const LIBRARIES: [&str; 1] = ["nvcuda.dll"];
#[cfg(not(windows))]
const LIBRARIES: [&str; 2] = ["libcuda.so.1", "libcuda.so"];

/// `CUDA_SUCCESS`.
const SUCCESS: c_int = 0;
/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: c_int = 100;
/// Size of a device's name in bytes, with the terminating 0.
const NAME: usize = 256;

type Init = unsafe extern "C" fn(c_uint) -> c_int;
type Count = unsafe extern "C" fn(*mut c_int) -> c_int;
type Get = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
type Name = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;

/// Returns the GPUs that the driver shows, at least one.
///
/// # Errors
/// If there is no driver or no GPU; the message is one line.
pub fn cards() -> Result<Vec<Card>, String> {
    let library = LIBRARIES.iter().find_map(|&name| {
        // SAFETY: opening the library runs NVIDIA's initialisers, as in every program that uses CUDA.
        unsafe { Library::new(name) }.ok()
    });
    let library = library.ok_or_else(|| format!("no NVIDIA driver: {} is not found", LIBRARIES[0]))?;
    // An initialised driver may have running threads, so its code must stay loaded.
    let library = Box::leak(Box::new(library));
    let names = names(library)?;
    Ok(Card::number(names.into_iter().map(|name| (name, Kind::Discrete))))
}

fn names(library: &'static Library) -> Result<Vec<String>, String> {
    // SAFETY: cuda.h declares these functions with these types.
    let (init, count, get, name) = unsafe {
        let init = function::<Init>(library, c"cuInit")?;
        let count = function::<Count>(library, c"cuDeviceGetCount")?;
        (
            init,
            count,
            function::<Get>(library, c"cuDeviceGet")?,
            function::<Name>(library, c"cuDeviceGetName")?,
        )
    };
    // SAFETY: no flags are defined, so 0 is the only valid argument.
    succeeded("cuInit", unsafe { init(0) })?;
    let mut number = 0;
    // SAFETY: the number outlives the call.
    succeeded("cuDeviceGetCount", unsafe { count(&mut number) })?;
    if number < 1 {
        return Err(refusal("cuDeviceGetCount", NO_DEVICE));
    }
    (0..number)
        .map(|index| {
            let (mut device, mut text) = (0, [0 as c_char; NAME]);
            // SAFETY: the handle outlives the call.
            succeeded("cuDeviceGet", unsafe { get(&mut device, index) })?;
            // SAFETY: the buffer outlives the call, which writes at most its length, given without the terminating 0.
            succeeded("cuDeviceGetName", unsafe { name(text.as_mut_ptr(), NAME as c_int - 1, device) })?;
            // SAFETY: the last byte of the buffer is 0.
            Ok(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
        })
        .collect()
}

/// Looks up a function of the driver.
///
/// # Safety
/// `T` must be the type of the function.
unsafe fn function<T: Copy>(library: &'static Library, name: &CStr) -> Result<T, String> {
    // SAFETY: the caller guarantees that `T` is the type of the function.
    let found = unsafe { library.get::<T>(name) };
    found.map(|symbol| *symbol).map_err(|_| format!("the NVIDIA driver has no {}", name.to_string_lossy()))
}

fn succeeded(call: &str, code: c_int) -> Result<(), String> {
    if code == SUCCESS { Ok(()) } else { Err(refusal(call, code)) }
}

fn refusal(call: &str, code: c_int) -> String {
    match code {
        NO_DEVICE => "the NVIDIA driver shows no GPU".to_owned(),
        code => format!("the NVIDIA driver failed: {call} returned error {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_gpu_with_a_name_or_a_reason_without_line_breaks() {
        match cards() {
            Ok(cards) => assert!(!cards.is_empty() && cards.iter().all(|card| !card.name.is_empty())),
            Err(reason) => assert!(reason.contains("NVIDIA driver") && !reason.contains('\n'), "{reason}"),
        }
    }

    #[test]
    fn errors_of_the_driver_are_reported() {
        assert_eq!(succeeded("cuInit", 0), Ok(()));
        assert_eq!(succeeded("cuInit", 100), Err("the NVIDIA driver shows no GPU".to_owned()));
        assert!(succeeded("cuInit", 803).unwrap_err().contains("cuInit returned error 803"));
    }

    /// The C library stands for any library without the functions of the driver.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn a_library_that_is_not_a_driver_is_refused() {
        // SAFETY: the C library is loaded already.
        let library = Box::leak(Box::new(unsafe { Library::new("libc.so.6") }.unwrap()));
        assert_eq!(names(library), Err("the NVIDIA driver has no cuInit".to_owned()));
    }
}
