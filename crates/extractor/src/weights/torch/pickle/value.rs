//! Values of a pickle.

use super::super::strided_view::{Kind, Storage, View};

/// Index of a value in the heap.
pub type Id = usize;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`, booleans, and numbers that no network needs.
    Plain,
    /// An integer of up to 64 bits.
    Int(i64),
    /// A string.
    Text(String),
    /// Lists, tuples and sets.
    Sequence(Vec<Id>),
    /// Keys and values alternately.
    Dict(Vec<Id>),
    /// A named Python object.
    Global(Global),
    /// A reference to a storage.
    Storage(Storage),
    /// A tensor.
    Tensor(View),
    /// A module of TorchScript or a namespace: the dict of its attributes, once it is set.
    Object(Option<Id>),
}

/// A Python object that a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// `torch._utils._rebuild_tensor_v2`
    Tensor,
    /// `torch._utils._rebuild_parameter`
    Parameter,
    /// `collections.OrderedDict`
    Dict,
    /// `torch.FloatStorage` and the classes like it
    Storage(Kind),
    /// A class of TorchScript, or `argparse.Namespace`: attributes without code
    Class,
    /// TorchScript's annotation of the element type of a list or dict, which is its first argument
    Typed,
}

impl Global {
    /// The object `module.name`.
    ///
    /// # Errors
    /// If it may not be named.
    pub fn named(module: &str, name: &str) -> Result<Self, String> {
        Ok(match (module, name) {
            ("torch._utils", "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") => Self::Parameter,
            ("collections", "OrderedDict") => Self::Dict,
            ("argparse", "Namespace") => Self::Class,
            ("torch.jit._pickle", "restore_type_tag") => Self::Typed,
            ("torch.jit._pickle", builder) if BUILDERS.contains(&builder) => Self::Typed,
            ("torch", storage) => match Kind::of_storage(storage) {
                Some(kind) => Self::Storage(kind),
                None => return Err(format!("global `torch.{storage}` is not allowed")),
            },
            (module, _) if module == "__torch__" || module.starts_with("__torch__.") => Self::Class,
            _ => return Err(format!("global `{module}.{name}` is not allowed")),
        })
    }
}

/// TorchScript's builders of typed lists.
const BUILDERS: [&str; 4] = ["build_intlist", "build_doublelist", "build_boollist", "build_tensorlist"];

/// All values of a pickle, and the index of the one that it represents.
#[derive(Debug)]
pub struct Heap {
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
}

impl Heap {
    /// The value at an index.
    pub fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// Index of the value that the pickle represents.
    pub fn root(&self) -> Id {
        self.root
    }
}
