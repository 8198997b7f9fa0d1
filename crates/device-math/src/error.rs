//! Errors of devices.

/// Reason why a tensor could not be read from its device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device had no memory for the tensor or for an operand of it. The device stays usable.
    #[error("the device is out of memory: {0}")]
    OutOfMemory(String),
    /// Any other failure of the device.
    #[error("cannot read a tensor from its device: {0}")]
    Device(String),
}

/// Result of a read from a device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Parts of messages that mean out of memory, which no type of burn tells: of CubeCL's allocations and launches.
const OUT_OF_MEMORY: [&str; 3] = ["out of device memory", "out-of-memory", "can't allocate buffer"];

impl Error {
    /// Classifies a message of a device, and keeps its lines before the backtrace.
    pub(crate) fn from_message(message: &str) -> Self {
        let lines = message.lines().map(str::trim).take_while(|line| !line.starts_with("Backtrace"));
        let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let is_out_of_memory = OUT_OF_MEMORY.iter().any(|part| message.contains(part));
        if is_out_of_memory { Self::OutOfMemory(line) } else { Self::Device(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_memory_is_distinguished_from_other_failures() {
        for message in [
            "An error happened during execution\nCaused by:\n  out of device memory allocating 64 bytes\nBacktrace\n0: x",
            "An out-of-memory error happened during launch\nCaused by:\n  pool",
            "can't allocate buffer of size: 1099511627776\n",
        ] {
            assert!(
                matches!(Error::from_message(message), Error::OutOfMemory(line) if !line.contains("Backtrace")),
                "{message}"
            );
        }
        assert!(matches!(Error::from_message("The device is poisoned"), Error::Device(_)));
    }
}
