//! Cookie in which a browser keeps a token.

use axum::http::{HeaderMap, HeaderName, header::COOKIE};

/// Name of the cookie.
const NAME: &str = "active_index_token";
/// Seconds after which a browser forgets it.
const KEPT: u32 = 30 * 24 * 60 * 60;
/// Protocol of callers of a proxy.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Value of `set-cookie` that has a browser keep a token: no script reads it, and pages of other sites do not send it.
pub fn kept(token: &str, headers: &HeaderMap) -> String {
    format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={KEPT}{}", secure(headers))
}

/// Value of `set-cookie` that has a browser forget its token.
pub fn forgotten(headers: &HeaderMap) -> String {
    format!("{NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}", secure(headers))
}

/// Attribute that keeps the cookie to TLS, where a proxy says that its callers use it.
fn secure(headers: &HeaderMap) -> &'static str {
    match headers.get(FORWARDED).is_some_and(|protocol| protocol == "https") {
        true => "; Secure",
        false => "",
    }
}

/// Tokens that a browser sends.
pub fn sent_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, token)| token)
}
