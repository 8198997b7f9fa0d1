//! The subset of Python's pickle format that `torch.save` and TorchScript write, protocol 2.
//!
//! The machine stores values and calls nothing. [`Global`](value::Global) lists all Python objects that may be named.
//! The few calls that may occur are checked and stored as data. Values are in a heap and refer to each other by number,
//! so nesting costs no stack, neither here nor when they are dropped.

mod machine;
mod value;

pub use machine::load;
pub use value::{Heap, Id, Value};

#[cfg(test)]
mod tests;
