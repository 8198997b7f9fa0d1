//! Names of a state dict, from the keys of nested containers.

use std::collections::BTreeMap;

use super::{
    pickle::{Heap, Id, Value},
    strided_view::View,
};

/// Largest depth of containers; modules are nested far less.
const MAX_DEPTH: usize = 32;
/// Largest number of visited values. A shared value counts at each visit, which bounds the expansion of small files.
const MAX_VISITS: usize = 1 << 18;
/// Length of the longest name, in bytes.
const MAX_NAME: usize = 512;
const TOO_MUCH: &str = "containers are nested too deeply or too often";

/// All tensors, named by the keys and attributes that lead to them, joined by dots.
///
/// # Errors
/// If containers are nested too deeply or visited too often.
pub fn tensors(heap: &Heap) -> Result<BTreeMap<String, View>, String> {
    let mut tensors = BTreeMap::new();
    let mut visits = 0;
    let mut waiting = vec![(String::new(), heap.root(), 0)];
    while let Some((name, id, depth)) = waiting.pop() {
        visits += 1;
        if visits > MAX_VISITS || depth > MAX_DEPTH {
            return Err(TOO_MUCH.to_owned());
        }
        if let Value::Tensor(view) = heap.get(id) {
            tensors.insert(name, view.clone());
            continue;
        }
        for (key, id) in children(heap, id) {
            let whole = if name.is_empty() { key } else { format!("{name}.{key}") };
            if whole.len() > MAX_NAME || waiting.len() > MAX_VISITS {
                return Err(TOO_MUCH.to_owned());
            }
            waiting.push((whole, id, depth + 1));
        }
    }
    Ok(tensors)
}

/// The values in a container that may contain tensors, each with its key.
fn children(heap: &Heap, id: Id) -> Vec<(String, Id)> {
    let may_contain_tensors =
        |id: &Id| !matches!(heap.get(*id), Value::Plain | Value::Int(_) | Value::Text(_) | Value::Global(_));
    match heap.get(id) {
        Value::Dict(items) => {
            let pairs = items.chunks_exact(2).filter(|pair| may_contain_tensors(&pair[1]));
            pairs.filter_map(|pair| Some((key(heap, pair[0])?, pair[1]))).collect()
        }
        Value::Sequence(items) => {
            let numbered = items.iter().enumerate().filter(|(_, id)| may_contain_tensors(id));
            numbered.map(|(i, id)| (i.to_string(), *id)).collect()
        }
        Value::Object(Some(attributes)) => match heap.get(*attributes) {
            Value::Dict(_) => children(heap, *attributes),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The text of a key; `None` for keys that no state dict has.
fn key(heap: &Heap, id: Id) -> Option<String> {
    match heap.get(id) {
        Value::Text(text) => (text.len() <= MAX_NAME).then(|| text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::pickle::load, *};

    #[test]
    fn the_expansion_of_small_pickles_is_bounded() {
        // Forty lists, each containing the previous one ten times.
        let mut bytes = b"]q\x00".to_vec();
        for i in 0..40_u8 {
            bytes.extend([b']', b'q', i + 1, b'(']);
            bytes.extend([b'h', i].repeat(10));
            bytes.push(b'e');
        }
        bytes.push(b'.');
        assert_eq!(tensors(&load(&bytes).unwrap()).unwrap_err(), TOO_MUCH);
        assert_eq!(tensors(&load(b"]q\x00h\x00a.").unwrap()).unwrap_err(), TOO_MUCH, "a list within itself");
    }
}
