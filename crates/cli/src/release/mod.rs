//! From image files to released image files: which becomes which, activation, quality, writing.

mod budget;
mod jobs;
mod releaser;
mod row;

pub use self::{
    jobs::plan,
    releaser::{Pair, Releaser},
    row::Row,
};
