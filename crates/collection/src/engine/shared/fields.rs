//! Changes of an entry's fields.

use serde_json::Value;

use crate::{
    entry::{META_BYTES, Meta},
    error::{Error, Result},
};

/// Fields after a change: a null removes a field, any other value takes its place.
///
/// # Errors
/// Fields of more than [`META_BYTES`].
pub fn changed_fields(mut fields: Meta, changes: &Meta) -> Result<Meta> {
    for (key, value) in changes {
        match value {
            Value::Null => drop(fields.remove(key)),
            value => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    let bytes = serde_json::to_string(&fields).map_or(0, |text| text.len());
    if bytes > META_BYTES {
        let expected = format!("at most {META_BYTES} bytes");
        return Err(Error::argument("fields of an entry", expected, format!("{bytes} bytes")));
    }
    Ok(fields)
}
