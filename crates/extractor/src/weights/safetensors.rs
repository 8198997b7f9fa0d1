//! safetensors files: ours, which say in their metadata what they hold, and public ones.

use std::collections::HashMap;

use ::safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{Array, Checkpoint, Weights, elements::Element};
use crate::Spec;

/// The entry of the metadata that holds the [`Spec`] as JSON.
const KEY: &str = "extractor";

/// All floating-point tensors, and the spec where the file is one of ours.
pub fn read(bytes: &[u8]) -> Result<(Checkpoint, Option<Spec>), String> {
    let damaged = |e| format!("damaged safetensors file: {e}");
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let spec = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let spec = spec.map(|text| serde_json::from_str(text)).transpose();
    let spec = spec.map_err(|e| format!("metadata `{KEY}`: {e}"))?;
    let mut checkpoint = Checkpoint::default();
    for (name, view) in file.iter() {
        let Some(element) = element(view.dtype()) else { continue };
        let values = element.values(view.data());
        checkpoint.insert(name, Array { shape: view.shape().to_vec(), values });
    }
    Ok((checkpoint, spec))
}

/// `None` for integers, which no network's weights are.
fn element(dtype: Dtype) -> Option<Element> {
    match dtype {
        Dtype::F64 => Some(Element::F64),
        Dtype::F32 => Some(Element::F32),
        Dtype::F16 => Some(Element::F16),
        Dtype::BF16 => Some(Element::Bf16),
        _ => None,
    }
}

/// A file of ours: the same bytes for the same weights.
pub fn write(weights: &Weights) -> Result<Vec<u8>, String> {
    let spec = serde_json::to_string(&weights.spec).map_err(|e| e.to_string())?;
    let bytes = weights.tensors.iter().map(|(name, array)| {
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
    // One entry: of several, the order would not be the same every time.
    let metadata = HashMap::from([(KEY.to_owned(), spec)]);
    ::safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}
