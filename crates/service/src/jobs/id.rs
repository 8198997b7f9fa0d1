//! Ids of requests and jobs, which are also the names of their folders.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

/// Hexadecimal digits of a request.
const DIGITS: usize = 14;

/// Id of a request: the microsecond since 1970 in which it was accepted, and larger than all ids before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// Id of a request that is accepted now, after all others up to `last`.
    pub fn after(last: Option<Self>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        Self(last.map_or(now, |last| now.max(last.0 + 1)))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl FromStr for RequestId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_own = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = text.len() == DIGITS && text.starts_with('0') && text.bytes().all(is_own);
        u64::from_str_radix(text, 16).ok().filter(|_| is_id).map(Self).ok_or(())
    }
}

/// Id of a job: its request, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    pub request: RequestId,
    /// Place from 0 on, of two digits.
    pub place: u8,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.request, self.place)
    }
}

impl FromStr for JobId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (request, place) = text.split_once('-').ok_or(())?;
        let is_place = place.len() == 2 && place.bytes().all(|byte| byte.is_ascii_digit());
        let place = place.parse().ok().filter(|_| is_place).ok_or(())?;
        Ok(Self { request: request.parse()?, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_their_text_and_rise() {
        let first = RequestId::after(None);
        let second = RequestId::after(Some(first));
        assert!(second > first && second.to_string() > first.to_string());
        let job = JobId { request: second, place: 7 };
        assert_eq!((job.to_string().parse(), second.to_string().parse()), (Ok(job), Ok(second)));
        let late = RequestId(u64::from(u32::MAX) << 20);
        assert_eq!(RequestId::after(Some(late)), RequestId(late.0 + 1), "a clock that was set back");
    }

    #[test]
    fn other_names_are_no_ids() {
        for text in [
            "",
            "7",
            "../../etc/passwd",
            "0006451a2b3c4d",
            "0006451a2b3c4d-",
            "0006451a2b3c4d-0",
            "0006451a2b3c4d-000",
            "0006451a2b3c4d-+1",
            "0006451A2b3c4d-00",
            "+006451a2b3c4d-00",
            "1006451a2b3c4d-00",
            "0006451a2b3c4d-00/",
            "0006451a2b3c4d-\u{661}",
        ] {
            assert_eq!(text.parse::<JobId>(), Err(()), "{text}");
        }
    }
}
