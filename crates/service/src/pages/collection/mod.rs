//! Pages of entries: lists with filters, and one entry with its fields.

mod entry;
mod entry_view;
mod list;
mod list_view;

pub use self::{entry::*, list::*};

/// Path of the list.
const PATH: &str = "/collection";
