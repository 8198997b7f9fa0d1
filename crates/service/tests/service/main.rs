//! The service on a loopback port, with a stand-in for the network. Every answer is compared with the OpenAPI document.

mod access;
mod c2pa;
mod client;
mod collections;
mod desk_pages;
mod document;
mod entries;
mod fetches;
mod garbage;
mod limits;
mod lookups;
mod operation;
mod pages;
mod pictures;
mod releases;
mod reviews;
mod schema;
mod server;
mod sharing;
