//! The little XML that S3 speaks.

/// Declaration at the head of a document.
pub const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Entities of characters that mark up.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

/// Element with a text.
pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

fn escape(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_owned(), |text, (entity, mark)| text.replace(mark, entity))
}

/// Contents of the elements of a name, in order. Elements of one name are not inside each other in S3's documents.
pub fn contents<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (mut found, mut rest) = (Vec::new(), document);
    while let Some(start) = rest.find(&open) {
        let inside = &rest[start + open.len()..];
        let Some(end) = inside.find(&close) else { break };
        found.push(&inside[..end]);
        rest = &inside[end + close.len()..];
    }
    found
}

/// Text of the first element of a name.
pub fn text(document: &str, name: &str) -> Option<String> {
    let escaped = contents(document, name).first().copied()?;
    Some(ENTITIES.iter().fold(escaped.to_owned(), |text, (entity, mark)| text.replace(entity, mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_were_written() {
        for written in ["", "a", "a & b < c > \"d\" 'e'", "&amp;lt;", "&lt;", "ü&&;"] {
            let document = format!("<A>{}{}</A>", element("Key", written), element("Key", "b"));
            assert_eq!(text(&document, "Key").as_deref(), Some(written));
            assert_eq!(contents(&document, "Key").len(), 2);
        }
        assert_eq!(text("<Key>not closed", "Key"), None);
    }
}
