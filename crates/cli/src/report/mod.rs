//! Reports of the verbs: JSON documents, tables for the terminal, HTML pages.

pub mod page;
pub mod table;

use serde::Serialize;

use crate::session::output::SCHEMA;

/// Report of a verb, as `--json` prints it: fields that verbs share, then those of the verb.
#[derive(Serialize)]
pub struct Report<B> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Fields of the verb.
    #[serde(flatten)]
    pub body: B,
}

impl<B> Report<B> {
    pub fn new(body: B) -> Self {
        Self { schema: SCHEMA, device: None, seconds: None, body }
    }

    /// Adds the name of the device.
    pub fn on(self, device: &str) -> Self {
        Self { device: Some(device.to_owned()), ..self }
    }

    /// Adds the duration.
    pub fn after(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
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
    }
}
