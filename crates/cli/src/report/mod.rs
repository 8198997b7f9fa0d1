//! Reports of the verbs: JSON documents, tables for the terminal, HTML pages.

mod calibration_advice;
mod fields;
pub mod page;
mod released_images;
pub mod table;

use serde::Serialize;
use shard::Shard;

pub use self::{
    calibration_advice::calibration_advice, fields::fields_text, released_images::released_images,
};
use crate::{inputs::image_files::LeftOut, session::output::SCHEMA};

/// Report of a verb, as `--json` prints it: fields that verbs share, then those of the verb.
#[derive(Serialize)]
pub struct Report<B> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Shard that the verb worked on.
    #[serde(flatten)]
    shard: Option<Shard>,
    /// Files and folders that a verb that reads images left out.
    #[serde(flatten)]
    left_out: Option<LeftOut>,
    /// Fields of the verb.
    #[serde(flatten)]
    pub body: B,
}

impl<B> Report<B> {
    pub fn new(body: B) -> Self {
        Self { schema: SCHEMA, device: None, seconds: None, shard: None, left_out: None, body }
    }

    /// Adds the name of the device.
    pub fn on(self, device: &str) -> Self {
        Self { device: Some(device.to_owned()), ..self }
    }

    /// Adds the duration.
    pub fn after(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Adds the shard.
    pub fn in_shard(self, shard: Option<Shard>) -> Self {
        Self { shard, ..self }
    }

    /// Adds what was left out.
    pub fn without(self, left_out: LeftOut) -> Self {
        Self { left_out: Some(left_out), ..self }
    }

    /// Returns the end of the last line, which counts what was left out.
    pub fn left_out(&self) -> String {
        self.left_out.as_ref().map_or_else(String::new, LeftOut::text)
    }

    /// Returns a last line of its own that counts what was left out, with the line break in front.
    pub fn left_out_line(&self) -> String {
        self.left_out.as_ref().map_or_else(String::new, LeftOut::line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Body {
        images: Vec<f32>,
    }

    #[test]
    fn shared_fields_come_first_and_absent_ones_are_left_out() {
        let body = || Body { images: vec![0.1] };
        let json = |report: &Report<Body>| serde_json::to_string(report).unwrap();
        assert_eq!(json(&Report::new(body())), r#"{"schema":1,"images":[0.1]}"#);
        assert_eq!(
            json(&Report::new(body()).on("cpu").after(1.5)),
            r#"{"schema":1,"device":"cpu","seconds":1.5,"images":[0.1]}"#
        );
        let left_out = LeftOut { skipped: 2, unreadable: Vec::new() };
        assert_eq!(
            json(&Report::new(body()).without(left_out)),
            r#"{"schema":1,"skipped":2,"images":[0.1]}"#
        );
    }
}
