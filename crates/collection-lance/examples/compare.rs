//! Compares finds in a collection with Lance's own searches of the same descriptors, in float32: by an index with the
//! collection's quantiser, and by one that Lance trains, of the same number of cells.
//!
//! `compare FOLDER.lance QUERIES.npy IDS.txt SCRATCH`: row `i` of the queries shows the entry in line `i`.

#![allow(clippy::print_stdout, missing_docs, reason = "a program that prints what it measured")]

use std::{env, error::Error, fs, path::Path, sync::Arc, time::Instant};

use active_index_collection_lance as collection_lance;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, cast::AsArray};
use arrow_schema::{ArrowError, DataType, Field};
use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, FindSettings};
use futures_util::TryStreamExt;
use index::{Index, npy};
use lance::{
    Dataset,
    dataset::{InsertBuilder, WriteMode, WriteParams},
    index::{DatasetIndexExt, vector::VectorIndexParams},
};
use lance_index::{
    IndexType,
    vector::{ivf::IvfBuildParams, pq::PQBuildParams},
};
use lance_linalg::distance::MetricType;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Codes that are ranked by descriptors for each match, in all searches.
const REFINED: u32 = 100;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, queries, ids, scratch] = arguments.as_slice() else {
        return Err("compare FOLDER.lance QUERIES.npy IDS.txt SCRATCH".into());
    };
    let queries = npy::read(Path::new(queries))?;
    let ids = fs::read_to_string(ids)?;
    let ids: Vec<i64> = ids.lines().map(str::parse).collect::<Result<_, _>>()?;
    let shop = Collection::new(collection_lance::open(folder, &Device::flex())?);
    let (nlist, m) = (shop.quantiser().nlist().unwrap_or(0), shop.quantiser().code_size());
    let rows: Vec<&[f32]> = queries.values.chunks_exact(queries.d).collect();
    for nprobe in [1, 4, 16] {
        ours(&shop, &rows, &ids, nprobe)?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let own = Dataset::open(&format!("{folder}/entries.lance")).await?;
        let given = with_quantiser(shop.quantiser())?;
        let trained = VectorIndexParams::ivf_pq(nlist, 8, m, MetricType::L2, 50);
        for (name, parameters) in [("lance, quantiser given", given), ("lance, trained", trained)] {
            let copy = copy(&own, scratch, name, &parameters).await?;
            for nprobe in [1, 4, 16] {
                lance(name, &copy, &rows, &ids, nprobe).await?;
            }
        }
        Ok(())
    })
}

fn ours(shop: &Collection, queries: &[&[f32]], ids: &[i64], nprobe: usize) -> Outcome<()> {
    let settings = FindSettings { k: 1, nprobe, ..FindSettings::default() };
    let mut timed = Vec::new();
    let mut found = 0;
    for turn in 0..2 {
        for (query, id) in queries.iter().zip(ids) {
            let query =
                Tensor::<2>::from_data(TensorData::new(query.to_vec(), [1, query.len()]), &Device::flex());
            let began = Instant::now();
            let matches = shop.find(query, &settings)?;
            if turn == 1 {
                timed.push(began.elapsed().as_secs_f64());
                found += usize::from(matches[0].first().is_some_and(|first| first.id == *id));
            }
        }
    }
    print("collection", nprobe, found, timed);
    Ok(())
}

async fn lance(name: &str, dataset: &Dataset, queries: &[&[f32]], ids: &[i64], nprobe: usize) -> Outcome<()> {
    let mut timed = Vec::new();
    let mut found = 0;
    for turn in 0..2 {
        for (query, id) in queries.iter().zip(ids) {
            let query: ArrayRef = Arc::new(Float32Array::from(query.to_vec()));
            let began = Instant::now();
            let mut scanner = dataset.scan();
            scanner.nearest("descriptor", query.as_ref(), 1)?.nprobes(nprobe).refine(REFINED).fast_search();
            scanner.project(&["id"])?;
            let batches: Vec<_> = scanner.try_into_stream().await?.try_collect().await?;
            if turn == 1 {
                timed.push(began.elapsed().as_secs_f64());
                let ids = batches
                    .iter()
                    .filter(|batch| batch.num_rows() > 0)
                    .map(|batch| batch["id"].as_primitive::<arrow_array::types::Int64Type>().value(0));
                found += usize::from(ids.take(1).any(|first| first == *id));
            }
        }
    }
    print(name, nprobe, found, timed);
    Ok(())
}

/// Rows of dimension `d`.
fn listed(values: Float32Array, d: usize) -> Result<FixedSizeListArray, ArrowError> {
    let value = Arc::new(Field::new("item", DataType::Float32, true));
    FixedSizeListArray::try_new(value, d as i32, Arc::new(values), None)
}

/// Parameters of an index with the quantiser of a collection.
fn with_quantiser(quantiser: &Index) -> Outcome<VectorIndexParams> {
    let centroids = quantiser.centroids()?.ok_or("no centroids")?;
    let centroids = Float32Array::from(device_math::transfer::download(centroids)?);
    let centroids = listed(centroids, quantiser.d())?;
    let ivf = IvfBuildParams::try_with_centroids(centroids.len(), Arc::new(centroids))?;
    let codewords = Float32Array::from(quantiser.residual_codewords().ok_or("no codewords")?);
    let pq = PQBuildParams::with_codebook(quantiser.code_size(), 8, Arc::new(codewords));
    Ok(VectorIndexParams::with_ivf_pq_params(MetricType::L2, ivf, pq))
}

/// Copy of the live descriptors, in float32, with an index.
async fn copy(own: &Dataset, scratch: &str, name: &str, parameters: &VectorIndexParams) -> Outcome<Dataset> {
    let mut scanner = own.scan();
    scanner.project(&["id", "descriptor"])?.filter("state = 0")?;
    let stream = scanner.try_into_stream().await?;
    let wide = |batch: RecordBatch| -> lance::Result<RecordBatch> {
        let list = batch["descriptor"].as_fixed_size_list();
        let values = list.values().as_primitive::<arrow_array::types::Float16Type>();
        let values: Float32Array = values.values().iter().map(|value| value.to_f32()).collect();
        let list = listed(values, list.value_length() as usize)?;
        Ok(RecordBatch::try_from_iter([
            ("id", batch["id"].clone()),
            ("descriptor", Arc::new(list) as ArrayRef),
        ])?)
    };
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    let batches: Vec<RecordBatch> = batches.into_iter().map(wide).collect::<Result<_, _>>()?;
    let params = WriteParams { mode: WriteMode::Overwrite, ..WriteParams::default() };
    let mut copy = InsertBuilder::new(scratch).with_params(&params).execute(batches).await?;
    let began = Instant::now();
    copy.create_index(&["descriptor"], IndexType::Vector, None, parameters, true).await?;
    println!("{name}: indexed in {:.1} s", began.elapsed().as_secs_f64());
    Ok(copy)
}

fn print(name: &str, nprobe: usize, found: usize, mut timed: Vec<f64>) {
    timed.sort_by(f64::total_cmp);
    let at = |share: f64| timed[((timed.len() - 1) as f64 * share) as usize] * 1e3;
    let recall = found as f64 / timed.len() as f64;
    println!("{name:<23} nprobe {nprobe:>2}  R@1 {recall:.3}  p50 {:.3} ms  p99 {:.3} ms", at(0.5), at(0.99));
}
