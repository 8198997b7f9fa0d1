//! Weights files of every kind, read into this crate's tensors; and the safetensors files that this crate writes.

use std::{
    fs::{self, File},
    io::{Cursor, Read},
    path::Path,
};

use super::{
    file_kind::{FileKind, MAX_BYTES},
    onnx, safetensors,
    sha256::sha256,
    torch,
};
use crate::{
    architecture::public_checkpoint::{self, Options},
    checkpoint::{Checkpoint, CheckpointError},
    error::{Error, Result},
    spec::{Source, Spec},
};

/// Tensors of a network under this crate's names, with batch norms folded, and its description.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Description of the extractor.
    pub spec: Spec,
    /// The tensors.
    pub tensors: Checkpoint,
}

impl Weights {
    /// Reads a file whose kind follows from its content: safetensors, ONNX (float32, or int8 weights with their
    /// scales), or a PyTorch archive (state dict, checkpoint, TorchScript). A file that [`Weights::write`] wrote
    /// contains its own [`Spec`]; of any other, the tensor names determine the architecture.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or of another kind, or contains no known network or several.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, &Options::default())
    }

    /// Reads a public file with settings that it does not store.
    ///
    /// # Errors
    /// As [`Weights::read`], and if options are given for a file that contains its own [`Spec`].
    pub fn read_with(path: &Path, options: &Options) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(Error::io(path))?;
        let refuse = |reason: String| Err(Error::weights(path)(reason));
        if !metadata.is_file() {
            return refuse("is not a regular file".to_owned());
        }
        if metadata.len() > MAX_BYTES {
            return refuse(format!("{} bytes, expected at most {MAX_BYTES}", metadata.len()));
        }
        let mut file = File::open(path).map_err(Error::io(path))?;
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(16).read_to_end(&mut start).map_err(Error::io(path))?;
        match FileKind::of(&start).map_err(Error::weights(path))? {
            FileKind::Torch => {
                let source = torch::read(file).map_err(Error::weights(path))?;
                Self::convert(source, options).map_err(Error::weights(path))
            }
            kind => {
                let bytes = fs::read(path).map_err(Error::io(path))?;
                Self::parse_as(kind, &bytes, options).map_err(Error::weights(path))
            }
        }
    }

    /// Reads a file in memory.
    ///
    /// # Errors
    /// The defect of the file, see [`Weights::read`].
    pub fn parse(bytes: &[u8], options: &Options) -> Result<Self, String> {
        Self::parse_as(FileKind::of(bytes)?, bytes, options)
    }

    fn parse_as(kind: FileKind, bytes: &[u8], options: &Options) -> Result<Self, String> {
        let source = match kind {
            FileKind::Torch => torch::read(Cursor::new(bytes))?,
            FileKind::Onnx => onnx::read(bytes)?,
            FileKind::Safetensors => match safetensors::read(bytes)? {
                (tensors, Some(spec)) => return Self::converted(spec, tensors, options),
                (tensors, None) => tensors,
            },
        };
        Self::convert(source, options)
    }

    fn converted(spec: Spec, tensors: Checkpoint, options: &Options) -> Result<Self, String> {
        let Options { heads: None, pooling: None, preprocess: None } = options else {
            return Err("is already converted and contains its own settings".to_owned());
        };
        Ok(Self { spec, tensors })
    }

    /// Converts a public checkpoint to this crate's names.
    fn convert(mut source: Checkpoint, options: &Options) -> Result<Self, String> {
        let (architecture, prefix) = public_checkpoint::find(source.names())?;
        let mut convert = || -> Result<Self, CheckpointError> {
            let tensors = public_checkpoint::convert(architecture, &mut source, &prefix)?;
            let spec = public_checkpoint::spec(architecture, &tensors, options)?;
            Ok(Self { spec, tensors })
        };
        convert().map_err(|error| format!("{architecture} below `{prefix}`: {error}"))
    }

    /// Records the name and the hash of the file that the weights were read from.
    ///
    /// # Errors
    /// If the file cannot be read again.
    pub fn name_source(&mut self, path: &Path) -> Result<()> {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.spec.source = Some(Source { file, sha256: sha256(path).map_err(Error::io(path))? });
        Ok(())
    }

    /// The bytes of the file that [`Weights::write`] writes; equal weights give equal bytes.
    ///
    /// # Errors
    /// The name of a tensor whose shape does not match its number of values.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        safetensors::write(&self.spec, &self.tensors)
    }

    /// Writes a safetensors file that contains its own [`Spec`]. The file appears whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes().map_err(Error::weights(path))?;
        atomic_file::replace(path, |file| file.write_all(&bytes)).map_err(Error::io(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_missing_files_are_named() {
        let missing = Weights::read(Path::new("nowhere.pt")).unwrap_err().to_string();
        assert!(missing.starts_with("nowhere.pt: "), "{missing}");
        let folder = Weights::read(Path::new(".")).unwrap_err().to_string();
        assert_eq!(folder, ".: is not a regular file");
    }
}
