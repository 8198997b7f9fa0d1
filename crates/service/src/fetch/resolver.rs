//! Names of servers, resolved to addresses that may be connected to.

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use super::{Rule, web_address};

/// Resolver that returns those of another's addresses that a rule allows. Connections are made to what it returns, and to
/// nothing else, so that there is no address that was not checked.
#[derive(Debug)]
pub struct CheckedResolver<R> {
    names: R,
    rule: Rule,
}

impl<R> CheckedResolver<R> {
    pub fn new(names: R, rule: Rule) -> Self {
        Self { names, rule }
    }
}

impl<R: Resolver> Resolver for CheckedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        // Redirects come here, too.
        if let Some(fault) = web_address::fault(uri) {
            return Err(Error::BadUri(fault.to_owned()));
        }
        let resolved = self.names.resolve(uri, config, timeout).map_err(|error| match error {
            Error::Timeout(time) => Error::Timeout(time),
            _ => Error::HostNotFound,
        })?;
        let mut allowed = self.empty();
        resolved.iter().filter(|address| (self.rule)(**address)).for_each(|address| allowed.push(*address));
        match allowed.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(allowed),
        }
    }
}
