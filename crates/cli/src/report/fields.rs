//! Fields of entries, as tables show them.

use collection::Meta;
use serde_json::Value;

/// Formats fields as `key=value, key=value`.
pub fn fields_text(meta: &Meta) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    meta.iter().map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(", ")
}
