//! Answers, and refusals in S3's words.

use std::{io, time::SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};

use crate::xml;

/// Answer to a request.
pub type Answer = Response<Full<Bytes>>;

/// Request that is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }

    pub fn no_bucket() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The bucket does not exist")
    }

    pub fn no_key() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The key does not exist")
    }

    pub fn no_upload() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchUpload", "The upload does not exist, or has ended")
    }

    pub fn invalid_part() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidPart", "A part was not sent, or has another tag")
    }

    pub fn condition() -> Self {
        let message = "A condition of the request does not hold";
        Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message)
    }

    pub fn not_modified() -> Self {
        Self::new(StatusCode::NOT_MODIFIED, "NotModified", "The object is the one that is known")
    }

    pub fn range() -> Self {
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The range is outside the object")
    }

    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is none of this server's")
    }

    pub fn slow_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Reduce your request rate")
    }

    pub fn lost() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The answer was lost")
    }

    /// The refusal as an answer.
    pub fn answer(&self) -> Answer {
        let body = [xml::element("Code", self.code), xml::element("Message", &self.message)].concat();
        let mut answer = document(format!("{}<Error>{body}</Error>", xml::HEAD));
        *answer.status_mut() = self.status;
        if self.status == StatusCode::NOT_MODIFIED {
            *answer.body_mut() = Full::default();
        }
        answer
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", error.to_string())
    }
}

/// Answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

/// Answer with an XML document.
pub fn document(text: String) -> Answer {
    with_header(Answer::new(Full::from(text)), header::CONTENT_TYPE, "application/xml")
}

/// Answer with a header, whose value is of visible ASCII.
pub fn with_header(mut answer: Answer, name: header::HeaderName, value: &str) -> Answer {
    let value = header::HeaderValue::from_str(value).expect("the value is of visible ASCII");
    answer.headers_mut().insert(name, value);
    answer
}

/// Answer with the tag and the time of an object.
pub fn with_object(answer: Answer, tag: &str, modified: SystemTime) -> Answer {
    let answer = with_header(answer, header::ETAG, tag);
    let answer = with_header(answer, header::ACCEPT_RANGES, "bytes");
    with_header(answer, header::LAST_MODIFIED, &httpdate::fmt_http_date(modified))
}
