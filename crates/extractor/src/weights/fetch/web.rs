//! Files on the web.

use std::{io, path::Path, time::Duration};

use super::progress::Progress;
use crate::{
    error::{Error, Result},
    weights::{file_kind::MAX_BYTES, manifest::AddressSource},
};

/// Time limit of name resolution and of connecting; short, because another source may work.
const CONNECT: Duration = Duration::from_secs(5);
/// Time limit until the response begins.
const ANSWER: Duration = Duration::from_secs(20);
/// Time limit of the whole file.
const BODY: Duration = Duration::from_secs(3600);

impl AddressSource {
    /// Downloads the file to `path`, where it appears whole or not at all.
    pub(super) fn download(&self, path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let mut response = agent().get(&self.url).call().map_err(|e| self.failed(&e.to_string()))?;
        let total = response.body().content_length();
        if let Some(bytes) = total.filter(|bytes| *bytes > MAX_BYTES) {
            return Err(self.failed(&format!("{bytes} bytes, expected at most {MAX_BYTES}")));
        }
        let body = response.body_mut().with_config().limit(MAX_BYTES).reader();
        let mut counted = Counted { body, bytes: 0, total, what: &self.url, progress };
        let copied = atomic_file::replace(path, |file| io::copy(&mut counted, file).map(drop));
        copied.map_err(|e| self.failed(&e.to_string()))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Fetch { what: self.url.clone(), reason: reason.to_owned() }
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .timeout_recv_body(Some(BODY))
        .user_agent(concat!("active-index/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}

/// A response body that reports its progress.
struct Counted<'a, R> {
    body: R,
    bytes: u64,
    total: Option<u64>,
    what: &'a str,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<R: io::Read> io::Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.body.read(buffer)?;
        self.bytes += n as u64;
        (self.progress)(Progress::Fetching { what: self.what, bytes: self.bytes, total: self.total });
        Ok(n)
    }
}
