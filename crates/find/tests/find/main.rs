//! Cascades and calibrations on small collections, without a network.

mod calibration;
mod cascade;
mod fixtures;
mod sharing;
mod witnesses;
