//! safetensors files: public ones, and converted ones with the spec in their metadata.

use std::collections::HashMap;

use ::safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::float_type::FloatType;
use crate::{
    checkpoint::{Array, Checkpoint},
    spec::Spec,
};

/// Key of the [`Spec`] in the metadata, as JSON.
const KEY: &str = "extractor";

/// All floating-point tensors, and the spec of a converted file.
pub fn read(bytes: &[u8]) -> Result<(Checkpoint, Option<Spec>), String> {
    let damaged = |e| format!("damaged safetensors file: {e}");
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let spec = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let spec = spec.map(|text| serde_json::from_str(text)).transpose();
    let spec = spec.map_err(|e| format!("metadata `{KEY}`: {e}"))?;
    let mut checkpoint = Checkpoint::default();
    for (name, view) in file.iter() {
        let Some(float_type) = float_type(view.dtype()) else { continue };
        let values = float_type.values(view.data());
        checkpoint.insert(name, Array { shape: view.shape().to_vec(), values });
    }
    Ok((checkpoint, spec))
}

/// The floating-point type; `None` for integers, which no network has as weights.
fn float_type(dtype: Dtype) -> Option<FloatType> {
    match dtype {
        Dtype::F64 => Some(FloatType::F64),
        Dtype::F32 => Some(FloatType::F32),
        Dtype::F16 => Some(FloatType::F16),
        Dtype::BF16 => Some(FloatType::Bf16),
        _ => None,
    }
}

/// The bytes of a converted file; equal weights give equal bytes.
pub fn write(spec: &Spec, tensors: &Checkpoint) -> Result<Vec<u8>, String> {
    let spec = serde_json::to_string(spec).map_err(|e| e.to_string())?;
    let bytes = tensors.iter().map(|(name, array)| {
        let values = array.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        (name, &array.shape, values)
    });
    let bytes: Vec<_> = bytes.collect();
    let view = |(name, shape, values)| {
        let (shape, values): (&Vec<usize>, &Vec<u8>) = (shape, values);
        let view = TensorView::new(Dtype::F32, shape.clone(), values);
        view.map(|view| (name, view)).map_err(|e| format!("tensor `{name}`: {e}"))
    };
    let views = bytes.iter().map(|(name, shape, values)| view((*name, *shape, values)));
    let views = views.collect::<Result<Vec<_>, String>>()?;
    // A single entry: the order of several entries would change from run to run.
    let metadata = HashMap::from([(KEY.to_owned(), spec)]);
    ::safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}
