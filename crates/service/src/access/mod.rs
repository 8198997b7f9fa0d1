//! Callers that are answered.

mod cookie;
mod tokens;

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, HeaderName, Method,
    header::{AUTHORIZATION, HOST, ORIGIN},
    uri::Authority,
};

pub use self::{cookie::*, tokens::Tokens};
use crate::{
    error::{Error, Result},
    problem::Problem,
};

/// Relation of a page to the service, which browsers tell.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Callers that are answered.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Callers of this machine alone.
    #[default]
    Local,
    /// Callers that send one of these tokens, from anywhere.
    Tokens(Tokens),
    /// Everyone.
    Open,
}

impl Access {
    /// Checks that an address is one to listen on.
    ///
    /// # Errors
    /// [`Error::Unprotected`] for an address of other machines where only this one is answered.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<()> {
        match self {
            Self::Local if !address.ip().to_canonical().is_loopback() => Err(Error::Unprotected(address)),
            _ => Ok(()),
        }
    }

    /// Checks a request. Pages of other sites are refused too, because a browser would send their requests from this machine, or
    /// with the cookie that holds a token.
    ///
    /// # Errors
    /// A problem with status 401 or 403.
    pub(crate) fn check(&self, peer: IpAddr, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            // No browser sends this header unless a page of the service says so.
            Self::Tokens(tokens) if headers.contains_key(AUTHORIZATION) => check_header(tokens, headers),
            Self::Tokens(tokens) => {
                check_cookie(tokens, headers)?;
                self.check_visitor(peer, method, headers)
            }
            Self::Local | Self::Open => self.check_visitor(peer, method, headers),
        }
    }

    /// Checks a request that needs no token.
    ///
    /// # Errors
    /// A problem with status 403.
    pub(crate) fn check_visitor(
        &self,
        peer: IpAddr,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        if matches!(self, Self::Local) {
            check_local(peer, headers)?;
        }
        match method.is_safe() {
            true => Ok(()),
            false => check_origin(headers),
        }
    }
}

fn check_header(tokens: &Tokens, headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = sent.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token {
        None => Err(Problem::unauthorized("the header authorization must be Bearer and a token")),
        Some((_, token)) if tokens.contains(token.trim()) => Ok(()),
        Some(_) => Err(Problem::unauthorized("the token is not known")),
    }
}

fn check_cookie(tokens: &Tokens, headers: &HeaderMap) -> Result<(), Problem> {
    if sent_tokens(headers).any(|token| tokens.contains(token)) {
        return Ok(());
    }
    Err(Problem::unauthorized(match sent_tokens(headers).next() {
        None => "a token is needed",
        Some(_) => "the token of the cookie is not known",
    }))
}

fn check_local(peer: IpAddr, headers: &HeaderMap) -> Result<(), Problem> {
    if !peer.to_canonical().is_loopback() {
        return Err(Problem::forbidden("without tokens, callers of this machine alone are answered"));
    }
    // A name of another site may lead to this machine (DNS rebinding); an address cannot.
    match host(headers) {
        Some(host) if !is_own_name(&host) => {
            Err(Problem::forbidden(format!("the service is not reached as {host}: use localhost")))
        }
        _ => Ok(()),
    }
}

fn host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    Some(host.parse::<Authority>().map_or_else(|_| host.to_owned(), |authority| authority.host().to_owned()))
}

fn is_own_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// Checks that a request that changes something comes from no page of another site.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = match (text(ORIGIN), text(HOST)) {
        (None, _) => matches!(text(FETCH_SITE), Some("cross-site" | "same-site")),
        (Some(origin), Some(host)) => origin.split_once("://").map(|(_, own)| own) != Some(host),
        (Some(_), None) => true,
    };
    match is_foreign {
        true => Err(Problem::forbidden("the request comes from a page of another site")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn status(access: &Access, peer: &str, method: Method, pairs: &[(&'static str, &str)]) -> u16 {
        let checked = access.check(peer.parse().unwrap(), &method, &headers(pairs));
        checked.map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn without_tokens_only_this_machine_is_answered() {
        for (peer, expected) in [
            ("127.0.0.1", 200),
            ("127.8.8.8", 200),
            ("::1", 200),
            ("::ffff:127.0.0.1", 200),
            ("10.0.0.1", 403),
            ("192.168.1.1", 403),
            ("::ffff:10.0.0.1", 403),
            ("fe80::1", 403),
            ("0.0.0.0", 403),
        ] {
            assert_eq!(status(&Access::Local, peer, Method::GET, &[]), expected, "{peer}");
            assert_eq!(status(&Access::Open, peer, Method::GET, &[]), 200, "{peer}");
        }
    }

    #[test]
    fn names_of_other_sites_do_not_lead_here() {
        for (host, expected) in [
            ("localhost:8080", 200),
            ("LocalHost", 200),
            ("127.0.0.1:8080", 200),
            ("[::1]:8080", 200),
            ("evil.example:8080", 403),
            ("localhost.evil.example", 403),
        ] {
            assert_eq!(
                status(&Access::Local, "127.0.0.1", Method::GET, &[("host", host)]),
                expected,
                "{host}"
            );
        }
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let here = ("host", "localhost:8080");
        for access in [Access::Local, Access::Open] {
            let sent = |method, origin| status(&access, "127.0.0.1", method, &[here, ("origin", origin)]);
            assert_eq!(sent(Method::POST, "http://localhost:8080"), 200);
            assert_eq!(sent(Method::POST, "http://localhost:8081"), 403);
            assert_eq!(sent(Method::DELETE, "http://evil.example"), 403);
            assert_eq!(sent(Method::POST, "null"), 403);
            assert_eq!(sent(Method::GET, "http://evil.example"), 200);
        }
    }

    #[test]
    fn tokens_are_needed_from_everywhere_if_there_are_any() {
        let access = Access::Tokens(Tokens::parse("0123456789abcdef\n").unwrap());
        let sent = |value| status(&access, "127.0.0.1", Method::POST, &[("authorization", value)]);
        assert_eq!(status(&access, "10.0.0.1", Method::GET, &[]), 401);
        assert_eq!(sent("Bearer 0123456789abcdef"), 200);
        assert_eq!(sent("bearer  0123456789abcdef "), 200);
        for wrong in
            ["Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer", "0123456789abcdef", "Basic x"]
        {
            assert_eq!(sent(wrong), 401, "{wrong}");
        }
    }

    #[test]
    fn a_cookie_is_a_token_that_pages_of_other_sites_cannot_use() {
        let access = Access::Tokens(Tokens::parse("0123456789abcdef=\n").unwrap());
        let (here, own) = (("host", "desk:8080"), "other=1; active_index_token=0123456789abcdef=");
        let sent = |method, pairs: &[(&'static str, &str)]| {
            status(&access, "10.0.0.1", method, &[&[here, ("cookie", own)], pairs].concat())
        };
        assert_eq!(sent(Method::GET, &[]), 200);
        assert_eq!(sent(Method::GET, &[("origin", "http://evil.example")]), 200, "it reads nothing");
        assert_eq!(sent(Method::POST, &[("origin", "http://desk:8080")]), 200);
        assert_eq!(sent(Method::POST, &[("sec-fetch-site", "same-origin")]), 200);
        for foreign in [
            ("origin", "http://evil.example"),
            ("origin", "http://desk:8081"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(sent(Method::POST, &[foreign]), 403, "{foreign:?}");
        }
        // A header counts alone: a wrong one is not mended by the cookie.
        assert_eq!(sent(Method::GET, &[("authorization", "Bearer 0123456789abcdef")]), 401);
        for wrong in
            ["", "active_index_token=", "active_index_token=0123456789abcdef", "xactive_index_token=1"]
        {
            assert_eq!(status(&access, "10.0.0.1", Method::GET, &[here, ("cookie", wrong)]), 401, "{wrong}");
        }
    }

    #[test]
    fn other_addresses_need_tokens_or_an_open_door() {
        let (near, far): (SocketAddr, SocketAddr) =
            ("127.0.0.1:80".parse().unwrap(), "0.0.0.0:80".parse().unwrap());
        assert!(Access::Local.check_address(near).is_ok());
        assert!(Access::Local.check_address(far).is_err());
        assert!(Access::Open.check_address(far).is_ok());
    }
}
