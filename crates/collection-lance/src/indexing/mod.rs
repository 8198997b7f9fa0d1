//! Making of index segments from the cells and codes that the table keeps: nothing is trained, and nothing encoded anew.

pub mod shares;

use std::{path::Path as FilePath, sync::Arc};

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, RecordBatch, RecordBatchIterator, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use collection::{Error, Result};
use device_math::transfer::download;
use futures_util::TryStreamExt;
use index::Index;
use lance::{
    Dataset,
    dataset::{InsertBuilder, WriteMode, WriteParams, transaction::Operation},
    index::{CreateIndexBuilder, vector::VectorIndexParams},
};
use lance_index::{
    IndexType,
    vector::{PART_ID_COLUMN, PQ_CODE_COLUMN, ivf::IvfBuildParams, pq::PQBuildParams},
};
use lance_linalg::distance::MetricType;
use lance_table::format::IndexMetadata;
use object_store::path::Path;

use crate::{
    core::Core,
    entries::Columns,
    failure,
    segments::{INDEX, INDEXED},
    table::{Change, ROW_ADDRESS},
};

/// Makes one segment of the entries of some fragments of a version, which takes the place of `replaced`.
pub async fn index(
    core: &Core,
    dataset: &Arc<Dataset>,
    fragments: &[u32],
    replaced: Vec<IndexMetadata>,
) -> Result<Change> {
    let segment = segment(core, dataset, fragments).await?;
    if segment.is_none() && replaced.is_empty() {
        return Ok(Change::Committed);
    }
    join(core, dataset, segment.into_iter().map(|(segment, _)| segment).collect(), replaced).await
}

/// Commits segments that were made from a version, in place of `replaced`.
pub async fn join(
    core: &Core,
    dataset: &Arc<Dataset>,
    made: Vec<IndexMetadata>,
    replaced: Vec<IndexMetadata>,
) -> Result<Change> {
    let operation = Operation::CreateIndex { new_indices: made, removed_indices: replaced };
    core.entries.commit(dataset, operation).await
}

/// Segment of the entries of some fragments, which nobody has committed yet, and their number; `None` if they have no entries
/// with codes.
pub async fn segment(
    core: &Core,
    dataset: &Arc<Dataset>,
    fragments: &[u32],
) -> Result<Option<(IndexMetadata, usize)>> {
    let folder = tempfile::tempdir().map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
    let rows = write_codes(core, dataset, fragments, folder.path()).await?;
    if rows == 0 {
        return Ok(None);
    }
    let parameters = parameters(core, folder.path())?;
    let mut dataset = dataset.as_ref().clone();
    // Of all fragments, Lance would sample descriptors to train with. Of a part of them, as on machines that index their own
    // fragments, it takes the quantiser as it is. It reads the codes that were written for it, and no fragment at all.
    let made = CreateIndexBuilder::new(&mut dataset, &[INDEXED], IndexType::Vector, &parameters)
        .name(INDEX.to_owned())
        .replace(true)
        .fragments(Vec::new())
        .execute_uncommitted()
        .await;
    let made = made.map_err(failure::at(core.entries.location()))?;
    let fragment_bitmap = Some(fragments.iter().copied().collect());
    Ok(Some((IndexMetadata { fragment_bitmap, ..made }, rows)))
}

/// Writes row addresses, cells and codes where Lance looks for them, and returns their number.
async fn write_codes(core: &Core, dataset: &Dataset, fragments: &[u32], folder: &FilePath) -> Result<usize> {
    let m = core.quantiser.code_size() as i32;
    let schema = Arc::new(Schema::new(vec![
        Field::new("row_id", DataType::UInt64, false),
        Field::new(PART_ID_COLUMN, DataType::UInt32, false),
        Field::new(PQ_CODE_COLUMN, DataType::FixedSizeList(Arc::new(code_byte()), m), false),
    ]));
    let columns = ["cell", "code", ROW_ADDRESS];
    let scanned = core.entries.scan_of(dataset, fragments, &columns, Some("cell IS NOT NULL")).await?;
    let location = core.entries.location();
    let converted = scanned.and_then(|batch| {
        let schema = schema.clone();
        async move { shuffled(&batch, schema, location) }
    });
    let batches: Vec<RecordBatch> = converted.try_collect().await?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > 0 {
        let uri = codes_path(folder);
        let params = WriteParams { mode: WriteMode::Create, ..WriteParams::default() };
        let reader = RecordBatchIterator::new(batches.into_iter().map(Ok::<_, ArrowError>), schema);
        let written = InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(reader).await;
        written.map_err(failure::at(&uri))?;
    }
    Ok(rows)
}

fn codes_path(folder: &FilePath) -> String {
    folder.join("codes.lance").to_string_lossy().into_owned()
}

fn code_byte() -> Field {
    Field::new("item", DataType::UInt8, true)
}

/// Batch of the columns that Lance builds an index of.
fn shuffled(batch: &RecordBatch, schema: Arc<Schema>, location: &str) -> Result<RecordBatch> {
    let columns = Columns::new(batch, location);
    let (cells, codes, addresses) = (columns.u32("cell")?, columns.code("code")?, columns.u64(ROW_ADDRESS)?);
    let m = codes.value_length();
    let bytes =
        UInt8Array::from_iter_values((0..codes.len()).flat_map(|row| codes.value(row).iter().copied()));
    let failed = |error: ArrowError| failure::at(location)(error);
    let codes =
        FixedSizeListArray::try_new(Arc::new(code_byte()), m, Arc::new(bytes), None).map_err(failed)?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from(addresses.values().to_vec())),
        Arc::new(UInt32Array::from(cells.values().to_vec())),
        Arc::new(codes),
    ];
    RecordBatch::try_new(schema, columns).map_err(failed)
}

/// Parameters of an index with the collection's quantiser, whose codes are in a folder.
fn parameters(core: &Core, folder: &FilePath) -> Result<VectorIndexParams> {
    let (centroids, codewords) = quantiser_arrays(&core.quantiser, core.entries.location())?;
    let location = core.entries.location();
    let nlist = centroids.len();
    let ivf =
        IvfBuildParams::try_with_centroids(nlist, Arc::new(centroids)).map_err(failure::at(location))?;
    let data = Path::from_filesystem_path(FilePath::new(&codes_path(folder)).join("data"));
    let data = data.map_err(failure::at(location))?;
    let ivf = IvfBuildParams { precomputed_shuffle_buffers: Some((data, Vec::new())), ..ivf };
    let pq = PQBuildParams::with_codebook(core.quantiser.code_size(), 8, codewords);
    Ok(VectorIndexParams::with_ivf_pq_params(MetricType::L2, ivf, pq))
}

/// Centroids `[nlist, d]` and codewords `[m, 256, d / m]` of a quantiser, in the order that Lance shares with faiss.
fn quantiser_arrays(quantiser: &Index, location: &str) -> Result<(FixedSizeListArray, ArrayRef)> {
    let centroids = quantiser.centroids()?.expect("an inverted file has centroids");
    let centroids = download(centroids)?;
    let codewords = quantiser.residual_codewords().expect("a collection of this kind codes residuals");
    let value = Arc::new(Field::new("item", DataType::Float32, true));
    let values = arrow_array::Float32Array::from(centroids);
    let centroids = FixedSizeListArray::try_new(value, quantiser.d() as i32, Arc::new(values), None);
    let centroids = centroids.map_err(|error: ArrowError| failure::at(location)(error))?;
    Ok((centroids, Arc::new(arrow_array::Float32Array::from(codewords))))
}
