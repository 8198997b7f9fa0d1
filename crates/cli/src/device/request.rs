//! The value of `--device`.

use std::str::FromStr;

use anyhow::{Error, bail};

use super::cards::Runtime;

/// The value of `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The fastest device that works.
    Auto,
    Cpu,
    /// A device of a runtime, by number, or its fastest.
    Card(Runtime, Option<usize>),
}

impl FromStr for Request {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, number) = text.split_once(':').map_or((text, None), |(name, n)| (name, Some(n)));
        let index = number.map(str::parse).transpose();
        Ok(match (name, index) {
            ("auto", Ok(None)) => Self::Auto,
            ("cpu", Ok(None)) => Self::Cpu,
            ("cuda", Ok(index)) => Self::Card(Runtime::Cuda, index),
            ("wgpu", Ok(index)) => Self::Card(Runtime::Wgpu, index),
            _ => bail!("--device {text}: expected auto, cpu, wgpu, wgpu:N, cuda or cuda:N"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_and_nothing_else() {
        for (text, request) in [
            ("auto", Request::Auto),
            ("cpu", Request::Cpu),
            ("cuda", Request::Card(Runtime::Cuda, None)),
            ("wgpu:12", Request::Card(Runtime::Wgpu, Some(12))),
        ] {
            assert_eq!(text.parse::<Request>().unwrap(), request);
        }
        for text in ["", "gpu", "cpu:0", "auto:1", "cuda:", "cuda:x", "cuda:-1", "wgpu:0:0", "CUDA"] {
            let error = text.parse::<Request>().unwrap_err().to_string();
            assert!(error.contains("expected auto"), "{error}");
        }
    }
}
