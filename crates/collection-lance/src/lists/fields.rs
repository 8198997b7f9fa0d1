//! Changes of an entry's fields.

use collection::{Entry, Error, Meta, Result, engine::shared::changed_fields};

use crate::{
    entries::{Columns, ENTRY, entries, meta_text},
    table::{Table, literal},
};

/// Attempts of a change whose fields others change at the same time.
const ATTEMPTS: usize = 100;

/// Changes fields of an entry; see [`Engine::set_meta`](collection::Engine::set_meta). Of two changes at once, the second is
/// made to what the first has left.
pub async fn set_meta(table: &Table, id: i64, changes: &Meta) -> Result<Entry> {
    for _ in 0..ATTEMPTS {
        let read = if id < 0 { None } else { with_text(table, id).await? };
        let (mut entry, text) = read.ok_or_else(|| Error::UnknownEntry(id.to_string()))?;
        let meta = changed_fields(entry.meta.clone(), changes)?;
        if meta == entry.meta {
            return Ok(entry);
        }
        let filter = format!("id = {id} AND meta = {}", literal(&text));
        if table.update(&filter, &[("meta", literal(&meta_text(&meta)))]).await? > 0 {
            entry.meta = meta;
            return Ok(entry);
        }
    }
    let reason = format!("the fields of entry {id} were changed by others {ATTEMPTS} times");
    Err(Error::Engine { location: table.location().to_owned(), reason })
}

/// Entry of an id, and the text of its fields as it is kept.
async fn with_text(table: &Table, id: i64) -> Result<Option<(Entry, String)>> {
    let dataset = table.latest().await?;
    for batch in table.rows(&dataset, &ENTRY, Some(&format!("id = {id}"))).await? {
        if let Some(entry) = entries(&batch, table.location())?.into_iter().next() {
            let texts = Columns::new(&batch, table.location()).text("meta")?;
            return Ok(Some((entry, texts.value(0).to_owned())));
        }
    }
    Ok(None)
}
