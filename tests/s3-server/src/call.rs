//! Requests, read.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::{HeaderMap, Method, Request, body::Incoming};
use percent_encoding::percent_decode_str;

use crate::answer::Refusal;

/// Largest body: 1 GiB.
const BODY: usize = 1 << 30;

/// Request for a bucket or one of its objects.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    pub bucket: String,
    /// Key of the object; empty for the bucket itself.
    pub key: String,
    pub body: Bytes,
    parameters: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Call {
    /// Reads a request to the end of its body.
    pub async fn read(request: Request<Incoming>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let (bucket, key) = bucket_and_key(parts.uri.path().trim_start_matches('/'))?;
        let parameters = serde_html_form::from_str(parts.uri.query().unwrap_or_default());
        let parameters = parameters.map_err(|error| Refusal::invalid(error.to_string()))?;
        let body = Limited::new(body, BODY).collect().await;
        let body = body.map_err(|error| Refusal::invalid(error.to_string()))?.to_bytes();
        Ok(Self { method: parts.method, bucket, key, body, parameters, headers: parts.headers })
    }

    /// Parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Header in text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Object that is to be copied.
    pub fn source(&self) -> Result<Option<(String, String)>, Refusal> {
        let source = self.header("x-amz-copy-source");
        source.map(|source| bucket_and_key(source.trim_start_matches('/'))).transpose()
    }
}

/// Splits `BUCKET/KEY`, encoded as in addresses. Keys become paths, so that none may lead out of the bucket.
fn bucket_and_key(path: &str) -> Result<(String, String), Refusal> {
    let path = percent_decode_str(path).decode_utf8().map_err(|_| Refusal::invalid("the key is no text"))?;
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let leads_out = |part: &str| matches!(part, "" | "." | "..") || part.contains('\0');
    if leads_out(bucket) || (!key.is_empty() && key.split('/').any(leads_out)) {
        return Err(Refusal::invalid("a key with an empty part, `.` or `..` is none of this server's"));
    }
    Ok((bucket.to_owned(), key.to_owned()))
}
