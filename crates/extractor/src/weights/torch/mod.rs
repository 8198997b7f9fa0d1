//! PyTorch's archives: state dicts and checkpoints (`torch.save`), and TorchScript.
//!
//! An archive is an uncompressed zip of `NAME/data.pkl`, a pickle of containers and tensors, and `NAME/data/{key}`, the
//! storages that tensors are views of. Nothing of it is executed: the pickle may only name what [`pickle`] lists, and the
//! code of a TorchScript archive is not opened.

mod archive;
mod names;
mod pickle;
mod tensor;

use std::{
    collections::BTreeMap,
    io::{Read, Seek},
};

use super::{Checkpoint, read::find_network};
use archive::Archive;
use tensor::{Storage, View};

/// All floating-point tensors of the one network that an archive holds, under the names of its state dict.
pub fn read(file: impl Read + Seek) -> Result<Checkpoint, String> {
    let mut archive = Archive::open(file)?;
    let pickled = archive.pickle()?;
    let tensors = names::tensors(&pickle::load(&pickled)?)?;
    let mut checkpoint = Checkpoint::default();
    let mut budget = archive.length();
    for (storage, views) in by_storage(of_network(tensors)?) {
        let Some(bytes) = archive.storage(&storage)? else { continue };
        for (name, view) in views {
            // Views can share a storage, and would otherwise be as many times larger than the file.
            let left = budget.checked_sub(view.bytes()).ok_or("the tensors hold more than the file")?;
            budget = left;
            checkpoint.insert(name, view.array(&bytes));
        }
    }
    Ok(checkpoint)
}

/// A checkpoint of a training has much beside the network: optimisers, averages.
fn of_network(tensors: BTreeMap<String, View>) -> Result<Vec<(String, View)>, String> {
    let (_, prefix) = find_network(tensors.keys().map(String::as_str))?;
    let root = prefix.strip_suffix("backbone.").unwrap_or(&prefix);
    let belongs = |name: &str| name.starts_with(root) || name.contains("embeddings.1.");
    Ok(tensors.into_iter().filter(|(name, _)| belongs(name)).collect())
}

fn by_storage(tensors: Vec<(String, View)>) -> BTreeMap<Storage, Vec<(String, View)>> {
    let mut grouped = BTreeMap::<Storage, Vec<(String, View)>>::new();
    for (name, view) in tensors {
        grouped.entry(view.storage().clone()).or_default().push((name, view));
    }
    grouped
}

#[cfg(test)]
mod tests;
