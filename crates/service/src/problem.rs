//! Problems: every answer that is an error, as `application/problem+json` (RFC 9457).

use std::fmt::Display;

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use image_file::Error as PictureError;
use serde::Serialize;
use utoipa::ToSchema;

/// Media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Reason why a request is not answered (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Kind of the problem: `about:blank`, the meaning of the status and no more.
    pub r#type: &'static str,
    /// Meaning of the status.
    pub title: &'static str,
    /// Status of the answer.
    pub status: u16,
    /// Reason in one line.
    pub detail: String,
    /// Seconds after which the request may be sent again; also in the header `retry-after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// Problem of a status, with a reason.
    pub fn new(status: StatusCode, detail: impl Display) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        // In one line, whatever an error says.
        let detail = detail.to_string();
        let words: Vec<&str> = detail.split(char::is_control).filter(|part| !part.is_empty()).collect();
        let detail = words.join(" ");
        Self { r#type: "about:blank", title, status: status.as_u16(), detail, retry_after: None }
    }

    /// 400: a request that has another form than expected.
    pub fn bad_request(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no token, or an unknown one.
    pub fn unauthorized(detail: impl Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: a caller that is not answered.
    pub fn forbidden(detail: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: something that does not exist.
    pub fn not_found(detail: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 415: a media type that is not read.
    pub fn unsupported(detail: impl Display) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 422: content of the right type that cannot be looked up.
    pub fn unprocessable(detail: impl Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 415 or 422: a picture that cannot be read, called by `name`.
    pub fn unreadable(name: &str, error: PictureError) -> Self {
        match error {
            PictureError::UnknownFormat
            | PictureError::UnsupportedFormat { .. }
            | PictureError::UnsupportedFeature { .. } => Self::unsupported(format!("{name} {error}")),
            other => Self::unprocessable(format!("{name} cannot be read: {other}")),
        }
    }

    /// 429: a bound is reached.
    pub fn busy(detail: impl Display) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// 500: a failure of the service. The reason is recorded, and not told to the caller, because it may name files.
    pub fn internal(reason: impl Display) -> Self {
        tracing::error!(%reason, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed; its log has the reason")
    }

    /// 503: something that will be there later.
    pub fn unavailable(detail: impl Display) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For readers of pages, to whom it is shown as one.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<collection::Error> for Problem {
    fn from(error: collection::Error) -> Self {
        match error {
            collection::Error::UnknownEntry(_) | collection::Error::UnknownReview(_) => {
                Self::not_found(error)
            }
            collection::Error::ReviewsFull { .. } => Self::busy(error),
            collection::Error::Dropped(_) => Self::new(StatusCode::CONFLICT, error),
            collection::Error::Argument { .. } => Self::unprocessable(error),
            other => Self::internal(other),
        }
    }
}

impl From<find::Error> for Problem {
    fn from(error: find::Error) -> Self {
        match error {
            find::Error::Collection(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_one_line_and_failures_tell_no_reasons() {
        assert_eq!(Problem::bad_request("a\r\nb\0c").detail, "a b c");
        assert!(!Problem::internal("/secret/path").detail.contains("secret"));
    }
}
