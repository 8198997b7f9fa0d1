//! Threads that share the loops of a pass through a network, and the buffers that they write.

mod region;
mod shared_slice;
mod sync;
mod team;
#[cfg(test)]
mod tests;

pub(crate) use shared_slice::SharedSlice;
pub(crate) use team::Team;
