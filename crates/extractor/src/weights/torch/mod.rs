//! PyTorch's archives: state dicts and checkpoints (`torch.save`), and TorchScript.
//!
//! An archive is an uncompressed zip of `NAME/data.pkl`, a pickle of containers and tensors, and `NAME/data/{key}`, the
//! storages of the tensors. Nothing is executed: the pickle may only name the globals that [`pickle`] lists, and the
//! code of a TorchScript archive is not opened.

mod archive;
mod pickle;
mod state_dict;
mod strided_view;

use std::{
    collections::BTreeMap,
    io::{Read, Seek},
};

use crate::{architecture::public_checkpoint, checkpoint::Checkpoint};
use archive::Archive;
use strided_view::{Storage, View};

/// All floating-point tensors of the only network in an archive, named as in its state dict.
pub fn read(file: impl Read + Seek) -> Result<Checkpoint, String> {
    let mut archive = Archive::open(file)?;
    let pickled = archive.pickle()?;
    let tensors = state_dict::tensors(&pickle::load(&pickled)?)?;
    let mut checkpoint = Checkpoint::default();
    let mut budget = archive.length();
    for (storage, views) in by_storage(of_network(tensors)?) {
        let Some(bytes) = archive.storage(&storage)? else { continue };
        for (name, view) in views {
            // Views that share a storage could otherwise exceed the file many times over.
            let left = budget.checked_sub(view.bytes()).ok_or("the tensors are larger than the file")?;
            budget = left;
            checkpoint.insert(name, view.array(&bytes));
        }
    }
    Ok(checkpoint)
}

/// The tensors of the network; a training checkpoint also has those of optimisers and averages.
fn of_network(tensors: BTreeMap<String, View>) -> Result<Vec<(String, View)>, String> {
    let (_, prefix) = public_checkpoint::find(tensors.keys().map(String::as_str))?;
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
