//! Fields of entries: shown, in a form, and read from one.

use collection::Meta;
use maud::{Markup, html};
use serde_json::Value;

/// Rows for further fields in a form without scripts.
const EMPTY_ROWS: usize = 2;

/// Fields with their values.
pub fn values(meta: &Meta) -> Markup {
    html! {
        dl class="facts" {
            @for (name, value) in meta { div { dt { (name) } dd { (text(value)) } } }
        }
    }
}

/// Value as people write it: a text as it is, anything else in JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Rows of a form with the fields, and some for further ones.
pub fn inputs(meta: &Meta) -> Markup {
    html! {
        div class="field-rows" {
            @for (name, value) in meta { (row(name, &text(value))) }
            @for _ in 0..EMPTY_ROWS { (row("", "")) }
        }
    }
}

fn row(name: &str, value: &str) -> Markup {
    html! {
        div class="field-row" {
            input type="hidden" name="was" value=(name);
            input name="name" value=(name) aria-label="Name of the field" placeholder="name";
            input name="value" value=(value) aria-label={ "Value" @if !name.is_empty() { " of " (name) } } placeholder="value";
        }
    }
}

/// Rows of a form as it is sent, `[n]` each.
#[derive(Debug, Default)]
pub struct Rows {
    /// Names before.
    pub was: Vec<String>,
    /// Names now.
    pub name: Vec<String>,
    /// Values now.
    pub value: Vec<String>,
}

impl Rows {
    /// Changes that make of the fields `before` those of the rows; null removes one. A row without a name or without a value
    /// removes its field. A value that was no text is read as JSON, if it is.
    pub fn changes(&self, before: &Meta) -> Meta {
        let mut changes = Meta::new();
        let rows = self.was.iter().zip(&self.name).zip(&self.value);
        let rows = rows.map(|((was, name), value)| (was.as_str(), name.trim(), value.trim()));
        for (was, name, value) in rows.clone() {
            let is_gone = name.is_empty() || value.is_empty() || name != was;
            if is_gone && before.contains_key(was) {
                changes.insert(was.to_owned(), Value::Null);
            }
        }
        // After those that go, because a field may take the name of another.
        for (was, name, value) in rows.filter(|(_, name, value)| !name.is_empty() && !value.is_empty()) {
            let value = read(value, before.get(was));
            match before.get(name) == Some(&value) {
                true => drop(changes.remove(name)),
                false => drop(changes.insert(name.to_owned(), value)),
            }
        }
        changes
    }
}

fn read(text: &str, before: Option<&Value>) -> Value {
    match before {
        None | Some(Value::String(_)) => text.into(),
        Some(_) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(before: &Value, rows: &[(&str, &str, &str)]) -> Value {
        let column = |of: fn(&(&str, &str, &str)) -> String| rows.iter().map(of).collect();
        let rows = Rows {
            was: column(|row| row.0.to_owned()),
            name: column(|row| row.1.to_owned()),
            value: column(|row| row.2.to_owned()),
        };
        rows.changes(before.as_object().expect("an object")).into()
    }

    #[test]
    fn rows_become_changes() {
        let before = json!({"licence": "CC0", "year": 2026, "draft": true});
        let same = [("licence", "licence", "CC0"), ("year", "year", "2026"), ("", "", "")];
        assert_eq!(changes(&before, &same), json!({}), "what is not in the form stays");
        for (row, expected) in [
            (("licence", "licence", " CC BY "), json!({"licence": "CC BY"})),
            (("licence", "licence", "7"), json!({"licence": "7"})),
            (("year", "year", "2027"), json!({"year": 2027})),
            (("year", "year", "unknown"), json!({"year": "unknown"})),
            (("draft", "draft", ""), json!({"draft": null})),
            (("draft", "", "true"), json!({"draft": null})),
            (("year", "taken", "2026"), json!({"year": null, "taken": 2026})),
            (("", "author", "Ada"), json!({"author": "Ada"})),
            (("", "author", ""), json!({})),
            (("foreign", "foreign", ""), json!({})),
        ] {
            assert_eq!(changes(&before, &[row]), expected, "{row:?}");
        }
        let swapped = [("licence", "year", "CC0"), ("year", "licence", "2026")];
        assert_eq!(changes(&before, &swapped), json!({"year": "CC0", "licence": 2026}));
    }

    #[test]
    fn forms_without_rows_change_nothing() {
        assert!(Rows::default().changes(&Meta::new()).is_empty());
    }
}
