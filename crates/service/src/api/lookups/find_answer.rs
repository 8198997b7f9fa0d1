//! Schema of answers, which the crate `find` writes.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// Answer to a lookup, that of `find --json`, in the document.
pub struct FindAnswer;

impl PartialSchema for FindAnswer {
    fn schema() -> RefOr<Schema> {
        serde_json::from_str(include_str!("find_answer.json")).expect("the file beside this one is a schema")
    }
}

impl ToSchema for FindAnswer {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FindAnswer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_keeps_what_its_file_says() {
        let file: serde_json::Value = serde_json::from_str(include_str!("find_answer.json")).unwrap();
        let read = serde_json::to_value(FindAnswer::schema()).unwrap();
        assert_eq!(
            read["properties"]["queries"]["items"]["required"],
            file["properties"]["queries"]["items"]["required"]
        );
        assert_eq!(read["additionalProperties"], file["additionalProperties"]);
    }
}
