//! Everything that needs `unsafe`.

mod map;

pub(crate) use map::Map;
