//! Texts kept under keys: one small object each, written whole.

use collection::{Error, Result};

use crate::place::Place;

/// Folder of the settings.
const FOLDER: &str = "settings";

/// Text kept under a key.
pub async fn get(place: &Place, key: &str) -> Result<Option<String>> {
    let name = name(key);
    place.read(&name).await?.map(|bytes| text(place, &name, bytes)).transpose()
}

/// Keeps a text under a key.
pub async fn set(place: &Place, key: &str, value: &str) -> Result<()> {
    place.write(&name(key), value.as_bytes().to_vec()).await
}

/// Keeps a text under a key unless one is kept already, and returns the one that is kept.
pub async fn get_or_set(place: &Place, key: &str, value: &str) -> Result<String> {
    if let Some(kept) = get(place, key).await? {
        return Ok(kept);
    }
    place.claim(&name(key), value.as_bytes().to_vec()).await?;
    Ok(get(place, key).await?.unwrap_or_else(|| value.to_owned()))
}

/// Texts kept under the keys that begin with `prefix`, by key, ascending.
pub async fn of(place: &Place, prefix: &str) -> Result<Vec<(String, String)>> {
    let folder = prefix.rsplit_once('/').map_or(FOLDER.to_owned(), |(folder, _)| name(folder));
    let found = place.objects(&folder, None).await?;
    let key = |name: &str| name.strip_prefix(FOLDER)?.strip_prefix('/').map(str::to_owned);
    let keys: Vec<String> = found.iter().filter_map(|(name, _)| key(name)).collect();
    let keys: Vec<String> = keys.into_iter().filter(|key| key.starts_with(prefix)).collect();
    let names: Vec<String> = keys.iter().map(|key| name(key)).collect();
    let contents = place.read_all(&names).await?;
    let pairs = keys.into_iter().zip(names).zip(contents);
    let pair = |((key, name), content): ((String, String), Option<Vec<u8>>)| {
        content.map(|bytes| Ok((key, text(place, &name, bytes)?)))
    };
    pairs.filter_map(pair).collect()
}

fn name(key: &str) -> String {
    format!("{FOLDER}/{key}")
}

fn text(place: &Place, name: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::damaged(place.shown(name).as_ref(), "is no text"))
}
