//! Any weights file to our tensors.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use super::{Checkpoint, CheckpointError, fetch::sha256, onnx, safetensors, torch};
use crate::{Architecture, Error, Pooling, Preprocess, Result, Source, Spec};

/// Larger files are not read: the largest published extractor is a third of it.
pub const MAX_BYTES: u64 = 1 << 30;

/// Tensors under our names, batch norm folded, and what they are.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The extractor they are of.
    pub spec: Spec,
    /// The tensors.
    pub tensors: Checkpoint,
}

/// What a public checkpoint does not say, where it differs from the published models.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Attention heads of a transformer [default: one for every 64 channels].
    pub heads: Option<usize>,
    /// How features are pooled [default: SSCD's with a projection, DINO's without one, ISC-dt1's].
    pub pooling: Option<Pooling>,
    /// How images are brought to the input [default: that of the published models].
    pub preprocess: Option<Preprocess>,
}

impl Weights {
    /// Reads a file of any kind, by its content: safetensors, ONNX (float32, or int8 weights with their scales), and
    /// PyTorch archives (state dicts, checkpoints, TorchScript). A file that [`Weights::write`] wrote says what it is;
    /// of others the architecture is told by the names of the tensors.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or of another kind, or holds no known network or several.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, &Options::default())
    }

    /// The same, where the file does not say all.
    ///
    /// # Errors
    /// See [`Weights::read`]; also if a converted file is given options.
    pub fn read_with(path: &Path, options: &Options) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(Error::io(path))?;
        let refuse = |reason: String| Err(Error::weights(path)(reason));
        if !metadata.is_file() {
            return refuse("is no regular file".to_owned());
        }
        if metadata.len() > MAX_BYTES {
            return refuse(format!("{} bytes, expected at most {MAX_BYTES}", metadata.len()));
        }
        let mut file = File::open(path).map_err(Error::io(path))?;
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(16).read_to_end(&mut start).map_err(Error::io(path))?;
        match Kind::of(&start).map_err(Error::weights(path))? {
            Kind::Torch => {
                let source = torch::read(file).map_err(Error::weights(path))?;
                Self::convert(source, options).map_err(Error::weights(path))
            }
            kind => {
                let bytes = fs::read(path).map_err(Error::io(path))?;
                Self::parse_as(kind, &bytes, options).map_err(Error::weights(path))
            }
        }
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// What is wrong with it, see [`Weights::read`].
    pub fn parse(bytes: &[u8], options: &Options) -> Result<Self, String> {
        Self::parse_as(Kind::of(bytes)?, bytes, options)
    }

    fn parse_as(kind: Kind, bytes: &[u8], options: &Options) -> Result<Self, String> {
        let source = match kind {
            Kind::Torch => torch::read(std::io::Cursor::new(bytes))?,
            Kind::Onnx => onnx::read(bytes)?,
            Kind::Safetensors => match safetensors::read(bytes)? {
                (tensors, Some(spec)) => return Self::converted(spec, tensors, options),
                (tensors, None) => tensors,
            },
        };
        Self::convert(source, options)
    }

    fn converted(spec: Spec, tensors: Checkpoint, options: &Options) -> Result<Self, String> {
        let Options { heads: None, pooling: None, preprocess: None } = options else {
            return Err("is converted already and says itself what it is".to_owned());
        };
        Ok(Self { spec, tensors })
    }

    /// From a public checkpoint's names to ours.
    fn convert(mut source: Checkpoint, options: &Options) -> Result<Self, String> {
        let (architecture, prefix) = find_network(source.names())?;
        let mut convert = || -> Result<Self, CheckpointError> {
            let tensors = architecture.convert(&mut source, &prefix)?;
            let spec = architecture.spec(&tensors, options)?;
            Ok(Self { spec, tensors })
        };
        convert().map_err(|error| format!("{architecture} below `{prefix}`: {error}"))
    }

    /// Notes the file that the weights were read from, with its hash.
    ///
    /// # Errors
    /// If the file cannot be read again.
    pub fn name_source(&mut self, path: &Path) -> Result<()> {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.spec.source = Some(Source { file, sha256: sha256(path).map_err(Error::io(path))? });
        Ok(())
    }

    /// The bytes of the file that [`Weights::write`] writes, always the same.
    ///
    /// # Errors
    /// What is wrong with a tensor: a shape of another number of values.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        safetensors::write(self)
    }

    /// Writes a safetensors file that says itself what it is; it appears whole or not at all.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes().map_err(Error::weights(path))?;
        super::fetch::write_whole(&mut bytes.as_slice(), path).map_err(Error::io(path))
    }
}

/// What kind of file this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Torch,
    Safetensors,
    Onnx,
}

impl Kind {
    /// By its first bytes.
    fn of(start: &[u8]) -> Result<Self, String> {
        match start {
            // First: the length before it may look like the beginning of anything else.
            [_, _, _, _, _, _, _, _, b'{', ..] => Ok(Self::Safetensors),
            [b'P', b'K', 3, 4, ..] => Ok(Self::Torch),
            [0x80, 2, ..] => {
                Err("a file of PyTorch before 1.6: load it there and save it again with a newer one"
                    .to_owned())
            }
            // The version of the representation, a small number, is the first field that all exporters write.
            [8, version, ..] if *version < 64 => Ok(Self::Onnx),
            _ => Err("expected safetensors, ONNX, or a PyTorch archive (.pt, .pth)".to_owned()),
        }
    }
}

/// The one network that the names tell of, and what stands before its tensors' names.
pub(super) fn find_network<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<(Architecture, String), String> {
    let mut found = Vec::new();
    for name in names {
        for architecture in Architecture::ALL {
            let prefixes = architecture.anchors().iter().filter_map(|anchor| name.strip_suffix(anchor));
            let whole = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
            found.extend(whole.map(|prefix| (architecture, prefix.to_owned())));
        }
    }
    let known = Architecture::ALL.map(|architecture| architecture.to_string()).join(", ");
    match found.as_slice() {
        [_] => Ok(found.remove(0)),
        [] => Err(format!("holds none of the known networks: {known}")),
        [(_, a), (_, b), ..] => Err(format!("holds {} networks, below `{a}` and `{b}`", found.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_first_bytes() {
        assert_eq!(Kind::of(b"PK\x03\x04rest"), Ok(Kind::Torch));
        assert_eq!(Kind::of(b"\x10\0\0\0\0\0\0\0{\"a"), Ok(Kind::Safetensors));
        assert_eq!(Kind::of(b"\x80\x02\0\0\0\0\0\0{\"a"), Ok(Kind::Safetensors), "a header of 640 bytes");
        assert_eq!(Kind::of(b"\x08\x07\x12\x07pytorch"), Ok(Kind::Onnx));
        assert!(Kind::of(b"\x80\x02\x8a\x0al").unwrap_err().contains("before 1.6"));
        for other in [&b""[..], b"\x89PNG\r\n\x1a\n", b"\x08", b"PK"] {
            assert!(Kind::of(other).unwrap_err().starts_with("expected safetensors"), "{other:?}");
        }
    }

    #[test]
    fn one_network_is_found_below_its_prefix() {
        let find = |names: &[&str]| find_network(names.iter().copied());
        let prefix = "state_dict.module.backbone.".to_owned();
        assert_eq!(
            find(&["epoch", "state_dict.module.backbone.conv_stem.weight"]),
            Ok((Architecture::EfficientNet, prefix))
        );
        assert_eq!(find(&["layer1.0.conv1.weight"]), Ok((Architecture::ResNet, String::new())));
        assert!(find(&["xlayer1.0.conv1.weight"]).unwrap_err().contains("resnet, vit, efficientnet"));
        let two = find(&["student.patch_embed.proj.weight", "teacher.patch_embed.proj.weight"]);
        assert_eq!(two.unwrap_err(), "holds 2 networks, below `student.` and `teacher.`");
    }

    #[test]
    fn pipes_and_missing_files_are_named() {
        let missing = Weights::read(Path::new("nowhere.pt")).unwrap_err().to_string();
        assert!(missing.starts_with("nowhere.pt: "), "{missing}");
        let folder = Weights::read(Path::new(".")).unwrap_err().to_string();
        assert_eq!(folder, ".: is no regular file");
    }
}
