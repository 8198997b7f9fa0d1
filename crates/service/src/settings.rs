//! Settings of the service.

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::Duration,
};

use image_file::Reader;

use crate::access::Access;

/// Address, access and bounds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Callers that are answered.
    pub access: Access,
    /// Largest number of bytes of a body, and of a picture that is fetched.
    pub max_upload: usize,
    /// True if pictures are fetched from public addresses that callers name.
    pub allow_fetch: bool,
    /// Largest number of bytes of all bodies that are in memory.
    pub max_uploads: usize,
    /// Threads that look up, at least 1. Of several, the first answers descriptors alone, so that these never wait for the
    /// network.
    pub workers: usize,
    /// Largest number of lookups that wait for a worker.
    pub waiting: usize,
    /// Largest number of connections.
    pub connections: usize,
    /// Longest time in which a request's head arrives; a connection without a request is closed after it, too.
    pub head_time: Duration,
    /// Longest time in which a request's body arrives.
    pub body_time: Duration,
    /// Longest time in which a caller takes nothing of its answer.
    pub answer_time: Duration,
    /// Longest time that a shutdown waits for answers to be taken.
    pub shutdown_time: Duration,
    /// Largest number of releases of a collection that wait.
    pub queued_releases: usize,
    /// Largest number of releases of a collection that are kept, finished ones too.
    pub kept_releases: usize,
    /// Bytes of uploads and released files of a collection from which on no picture is accepted.
    pub release_bytes: u64,
    /// Reader of pictures, with its limits.
    pub reader: Reader,
}

impl Default for Settings {
    /// 127.0.0.1:8080 for callers of this machine, without fetches: bodies of 32 MiB and 512 MiB together, two workers a processor,
    /// 256 waiting lookups, 4,096 connections, 10 seconds for a head and 30 for a body; 1,000 waiting releases, and 20,000 that are
    /// kept, in 16 GiB.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            access: Access::Local,
            max_upload: 32 << 20,
            allow_fetch: false,
            max_uploads: 512 << 20,
            workers: 2 * processors,
            waiting: 256,
            connections: 4096,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(60),
            queued_releases: 1000,
            kept_releases: 20_000,
            release_bytes: 16 << 30,
            reader: Reader::default(),
        }
    }
}
