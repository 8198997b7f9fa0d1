//! Addresses that callers name.

use axum::http::{Uri, uri::Scheme};

use crate::problem::Problem;

/// Largest number of bytes of an address.
const LENGTH: usize = 4096;

/// Address on the web: `http` or `https`, without a user and a password.
#[derive(Debug, Clone, PartialEq)]
pub struct WebAddress(Uri);

impl WebAddress {
    /// Parses an address.
    ///
    /// # Errors
    /// A problem with status 400. It does not repeat the address, which may hold secrets.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > LENGTH {
            return Err(Problem::bad_request(format!("an address may have {LENGTH} bytes at most")));
        }
        let uri: Uri = text.parse().map_err(|_| Problem::bad_request("the address is malformed"))?;
        match fault(&uri) {
            None => Ok(Self(uri)),
            Some(fault) => Err(Problem::bad_request(format!("the address {fault}"))),
        }
    }

    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Name or address of the server.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Returns true if the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }
}

/// Reason why an address is not fetched, whatever it leads to.
pub fn fault(uri: &Uri) -> Option<&'static str> {
    let is_web = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    match () {
        () if !is_web => Some("must begin with http:// or https://"),
        () if authority.contains('@') => Some("must hold no user and no password"),
        () if uri.host().is_none_or(str::is_empty) => Some("must name a server"),
        () if Some(authority) != uri.host() && uri.port_u16().is_none() => {
            Some("must have a port of a server")
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_web_without_credentials_are_accepted() {
        for sound in [
            "http://example.org",
            "https://example.org/a%20b.jpg?size=3&x=@#fragment",
            "HTTPS://EXAMPLE.org:8443/",
            "http://[2001:db8::1]:80/a",
            "http://127.0.0.1/",
        ] {
            assert!(WebAddress::parse(sound).is_ok(), "{sound}");
        }
        for wrong in [
            "",
            "/a.jpg",
            "example.org/a.jpg",
            "file:///etc/passwd",
            "ftp://example.org/a.jpg",
            "data:image/png;base64,AAAA",
            "gopher://example.org",
            "http://",
            "http:///a.jpg",
            "https://user:secret@example.org/",
            "https://user@example.org/",
            "https://@example.org/",
            "http://example.org\r\nx: y/",
            "http://exa mple.org/",
            "http://example.org:99999/",
            "http://example.org:/",
            "http://[::1]x/",
        ] {
            let problem = WebAddress::parse(wrong).expect_err(wrong);
            assert!(problem.status == 400 && !problem.detail.contains("secret"), "{}", problem.detail);
        }
        assert!(WebAddress::parse(&format!("http://example.org/{}", "a".repeat(5000))).is_err());
        assert!(WebAddress::parse("https://a.b/").unwrap().is_secure());
        assert!(!WebAddress::parse("http://a.b/").unwrap().is_secure());
    }
}
