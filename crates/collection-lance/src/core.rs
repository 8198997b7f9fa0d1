//! Parts of an open collection.

use std::{
    fs,
    sync::{Arc, PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};

use arrow_array::RecordBatch;
use burn::tensor::Device;
use collection::{Description, Error, KeptEntry, Result, engine::shared::accepted_quantiser};
use index::{Index, Metric};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    entries, ids::Ids, lists::Tallies, place::Place, reviews::Reviews, search::Rows, table::Table, view::View,
};

/// Name of the object that makes a place a collection.
pub const MANIFEST: &str = "collection.json";
/// Beginning of the name of the quantiser, which goes on with its fingerprint: creators side by side never mix theirs.
const QUANTISER: &str = "quantiser-";
/// Layout that this version writes, and the latest that it reads.
const SCHEMA: i64 = 1;

/// Facts that never change, as they are kept.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: i64,
    d: usize,
    factory: String,
    /// SHA-256 of the quantiser's file.
    fingerprint: String,
    witness_kind: Option<String>,
    /// Tells the claims of creators apart.
    creator: String,
}

/// Open collection.
pub struct Core {
    pub place: Place,
    pub description: Description,
    pub quantiser: Index,
    pub entries: Table,
    pub reviews: Reviews,
    pub ids: Ids,
    pub rows: Rows,
    pub tallies: Tallies,
    view: RwLock<Option<Arc<View>>>,
    /// Held while a view is made, so that one is made at a time.
    making: tokio::sync::Mutex<()>,
}

/// Creates a collection in a place that has none.
pub async fn create(address: &str, quantiser: &Index, witness_kind: Option<&str>) -> Result<Core> {
    let quantiser = accepted(quantiser)?;
    let place = Place::at(address).await?;
    if place.read(MANIFEST).await?.is_some() || place.is_local() && has_content(&place) {
        return Err(Error::Exists(place.location.into()));
    }
    let mut bytes = Vec::new();
    quantiser.write_to(&mut bytes)?;
    let manifest = Manifest {
        schema: SCHEMA,
        d: quantiser.d(),
        factory: quantiser.factory().to_string(),
        fingerprint: fingerprint(&bytes),
        witness_kind: witness_kind.map(str::to_owned),
        creator: format!("{}-{}", std::process::id(), now_nanos()),
    };
    place.write(&quantiser_name(&manifest.fingerprint), bytes).await?;
    let schema = || entries::schema(quantiser.d(), quantiser.code_size());
    match Table::open(&place, entries::TABLE).await {
        // A creator that was killed, or another one, has left it.
        Ok(left) if !left.has_columns(&schema()) => {
            let reason = "is left over from the creation of a collection with another quantiser: remove it";
            return Err(Error::damaged(left.location().as_ref(), reason));
        }
        Ok(_) => {}
        Err(_) => drop(Table::create(&place, entries::TABLE, schema()).await?),
    }
    if Reviews::open(&place).await.is_err() {
        Reviews::create(&place).await?;
    }
    // The manifest comes last: a place without one is no collection.
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest has a text");
    if !place.claim(MANIFEST, text.clone()).await?
        && place.read(MANIFEST).await?.is_none_or(|found| found != text)
    {
        return Err(Error::Exists(place.location.into()));
    }
    open_at(place, &quantiser.device()).await
}

fn now_nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// Opens the collection at an address, with its quantiser on `device`.
pub async fn open(address: &str, device: &Device) -> Result<Core> {
    open_at(Place::at(address).await?, device).await
}

async fn open_at(place: Place, device: &Device) -> Result<Core> {
    let Some(text) = place.read(MANIFEST).await? else {
        return Err(Error::NotACollection(place.location.into()));
    };
    let damaged = |reason: String| Error::damaged(place.shown(MANIFEST).as_ref(), reason);
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if !(1..=SCHEMA).contains(&manifest.schema) {
        let path = place.shown(MANIFEST).into();
        return Err(Error::Schema { path, found: manifest.schema, supported: SCHEMA });
    }
    let quantiser = read_quantiser(&place, &manifest.fingerprint, device).await?;
    let Manifest { d, factory, fingerprint, witness_kind, .. } = manifest;
    if (d, &factory) != (quantiser.d(), &quantiser.factory().to_string()) {
        return Err(damaged(format!("names {factory} of dimension {d}, which the quantiser is not")));
    }
    let (location, entries) = (place.location.clone(), Table::open(&place, entries::TABLE).await?);
    if !entries.has_columns(&entries::schema(d, quantiser.code_size())) {
        let reason = format!("has not the columns of entries of {factory} and dimension {d}");
        return Err(Error::damaged(entries.location().as_ref(), reason));
    }
    Ok(Core {
        description: Description { location, d, factory, fingerprint, witness_kind },
        entries,
        reviews: Reviews::open(&place).await?,
        ids: Ids::new("ids"),
        rows: Rows::default(),
        tallies: Tallies::default(),
        view: RwLock::default(),
        making: tokio::sync::Mutex::default(),
        quantiser,
        place,
    })
}

/// Quantiser of a collection, whose content is that of its creation.
pub async fn read_quantiser(place: &Place, expected: &str, device: &Device) -> Result<Index> {
    let name = quantiser_name(expected);
    let damaged = |reason: String| Error::damaged(place.shown(&name).as_ref(), reason);
    let bytes = place.read(&name).await?.ok_or_else(|| damaged("is missing".to_owned()))?;
    let found = fingerprint(&bytes);
    if found != expected {
        return Err(damaged(format!("expected SHA-256 {expected}, found {found}")));
    }
    accepted(&Index::from_bytes(&bytes, device)?)
}

fn quantiser_name(fingerprint: &str) -> String {
    format!("{QUANTISER}{}.faiss", fingerprint.get(..16).unwrap_or(fingerprint))
}

/// Copy without entries of an index whose codes Lance keeps.
fn accepted(index: &Index) -> Result<Index> {
    let index = accepted_quantiser(index)?;
    if index.residual_codewords().is_none() || index.metric() != Metric::L2 {
        let reason = "a Lance dataset takes IVF{nlist},PQ{m}x8 of L2 distances, such as IVF4096,PQ8x8";
        return Err(Error::Quantiser { factory: index.factory().to_string(), reason: reason.to_owned() });
    }
    Ok(index)
}

fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns true if a local folder has content but what a killed creation left.
fn has_content(place: &Place) -> bool {
    let left_over = [QUANTISER, "entries.lance", "reviews.lance"];
    let names = fs::read_dir(&place.location).into_iter().flatten().flatten();
    let mut names = names.map(|file| file.file_name().to_string_lossy().into_owned());
    names.any(|name| !left_over.iter().any(|own| name.starts_with(own)))
}

impl Core {
    /// Batch of rows of the entries' table.
    pub fn batch(&self, rows: &[KeptEntry]) -> Result<RecordBatch> {
        let sizes = (self.quantiser.d(), self.quantiser.code_size());
        let schema = entries::schema(sizes.0, sizes.1);
        entries::batch(Arc::new(schema), rows, sizes)
    }

    /// View of a version that was the latest at most 200 ms ago.
    pub async fn view(&self) -> Result<Arc<View>> {
        let dataset = self.entries.recent().await?;
        let current = |dataset: &lance::Dataset| {
            let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            view.clone().filter(|view| view.version() >= dataset.version().version)
        };
        if let Some(view) = current(&dataset) {
            return Ok(view);
        }
        let _making = self.making.lock().await;
        if let Some(view) = current(&dataset) {
            return Ok(view);
        }
        let before = self.view.read().unwrap_or_else(PoisonError::into_inner).clone();
        let view = View::of(&self.entries, dataset, before.as_deref(), &self.quantiser).await?;
        let view = Arc::new(view);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
        Ok(view)
    }
}
