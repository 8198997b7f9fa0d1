//! Rows of the table of entries.

mod columns;
mod new_rows;

pub use columns::{Columns, d_of, optional};
pub use new_rows::{batch, sum_of_row};

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use collection::{Digest, Entry, Error, Meta, Result, State};

/// Name of the table.
pub const TABLE: &str = "entries";
/// Columns that an [`Entry`] is made of.
pub const ENTRY: [&str; 8] = ["id", "name", "original", "state", "file", "pending", "added", "meta"];

/// Columns of the table, for descriptors `[d]` and codes of a size.
pub fn schema(d: usize, code_size: usize) -> Schema {
    let value = Arc::new(Field::new("item", DataType::Float16, true));
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
        // Hexadecimal digits.
        Field::new("original", DataType::Utf8, true),
        // Numbers of `State`.
        Field::new("state", DataType::Int8, false),
        Field::new("file", DataType::Utf8, true),
        Field::new("pending", DataType::Boolean, false),
        Field::new("added", DataType::Int64, false),
        // One JSON object.
        Field::new("meta", DataType::Utf8, false),
        // Null, as the next two, in an entry that was dropped.
        Field::new("cell", DataType::UInt32, true),
        Field::new("code", DataType::FixedSizeBinary(code_size as i32), true),
        Field::new("descriptor", DataType::FixedSizeList(value, d as i32), true),
        Field::new("witness", DataType::LargeBinary, true),
        Field::new("witness_bytes", DataType::Int32, true),
        // Sum of the columns that never change.
        Field::new("sum", DataType::Int64, false),
    ])
}

/// Entries of a batch with the columns [`ENTRY`].
///
/// # Errors
/// A column that lacks or has another type; a state that is none; fields that are no JSON object.
pub fn entries(batch: &RecordBatch, location: &str) -> Result<Vec<Entry>> {
    let columns = Columns::new(batch, location);
    let (ids, names, originals) = (columns.i64("id")?, columns.text("name")?, columns.text("original")?);
    let (states, files, pending) = (columns.i8("state")?, columns.text("file")?, columns.flag("pending")?);
    let (added, metas) = (columns.i64("added")?, columns.text("meta")?);
    let entry = |row: usize| {
        let damaged =
            |what: &str| Error::damaged(location.as_ref(), format!("entry {}: {what}", ids.value(row)));
        Ok(Entry {
            id: ids.value(row),
            name: names.value(row).to_owned(),
            original: optional(originals, row)
                .map(|text| digest(text).ok_or_else(|| damaged("original")))
                .transpose()?,
            state: State::from_number(states.value(row).into()).ok_or_else(|| damaged("state"))?,
            file: optional(files, row).map(str::to_owned),
            pending: pending.value(row),
            added: added.value(row),
            meta: meta(metas.value(row)).ok_or_else(|| damaged("fields"))?,
        })
    };
    (0..batch.num_rows()).map(entry).collect()
}

/// Fields of a JSON text.
pub fn meta(text: &str) -> Option<Meta> {
    serde_json::from_str(text).ok()
}

/// JSON text of fields.
pub fn meta_text(meta: &Meta) -> String {
    serde_json::to_string(meta).expect("JSON values have a text")
}

/// Digest of its hexadecimal digits.
pub fn digest(text: &str) -> Option<Digest> {
    let digits = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = digits.map(byte).collect::<Option<_>>()?;
    Digest::from_bytes(&bytes).filter(|_| text.len().is_multiple_of(2))
}

/// Condition that a column of numbers is one of `values`.
pub fn one_of(column: &str, values: impl IntoIterator<Item = i64>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    match values.is_empty() {
        true => "false".to_owned(),
        false => format!("{column} IN ({})", values.join(", ")),
    }
}
