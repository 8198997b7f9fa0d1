//! Bytes of witnesses.

mod keypoints;
mod reader;
mod thumbnail;

pub(crate) use keypoints::{read_keypoints, write_keypoints};
pub(crate) use reader::Reader;
pub(crate) use thumbnail::{decode, encode};
