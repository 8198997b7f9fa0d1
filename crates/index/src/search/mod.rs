//! Search: results, their collection on the host, and searching by tensor operations on a device.

mod candidates;
pub(crate) mod device;
mod distinct;
mod grouped;
mod neighbours;
mod reservoir;
mod scan;

pub(crate) use candidates::{Candidate, Gather, TopK, Within};
pub use device::DeviceNeighbours;
pub(crate) use distinct::{distinct, keep_distinct};
pub(crate) use neighbours::{MISSING, write_row};
pub use neighbours::{Neighbours, RangeNeighbours};
pub(crate) use reservoir::Reservoir;
pub(crate) use scan::{ScanBuffers, scan};
