//! From image files to released image files: which becomes which, activation, quality, writing.

mod jobs;
mod limits;
mod releaser;
mod row;

pub use self::{
    jobs::plan,
    limits::Limits,
    releaser::{Options, Pair, Releaser},
    row::Row,
};
