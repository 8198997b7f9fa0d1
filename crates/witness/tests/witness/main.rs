//! Witnesses of photographs and of textures.

mod bytes;
mod copies;
mod pictures;
mod strangers;
