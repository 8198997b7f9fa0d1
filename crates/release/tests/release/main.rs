//! Releases of small photographs with a tiny network.

mod events;
mod fixtures;
mod folder;
mod quality;
mod remembering;
