//! Kinds of weights files, recognised by their first bytes.

/// Size of the largest file that is read, in bytes; the largest published extractor is a third of it.
pub const MAX_BYTES: u64 = 1 << 30;

/// Kind of a weights file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// PyTorch's archive, TorchScript's included.
    Torch,
    /// safetensors.
    Safetensors,
    /// ONNX.
    Onnx,
}

impl FileKind {
    /// The kind of a file that begins with `start`.
    ///
    /// # Errors
    /// If it is of no supported kind.
    pub fn of(start: &[u8]) -> Result<Self, String> {
        match start {
            // Checked first: the header's length, which precedes the brace, can look like the start of any other kind.
            [_, _, _, _, _, _, _, _, b'{', ..] => Ok(Self::Safetensors),
            [b'P', b'K', 3, 4, ..] => Ok(Self::Torch),
            [0x80, 2, ..] => {
                Err("saved by PyTorch before 1.6: load it there and save it again with a newer version"
                    .to_owned())
            }
            // The version of the format, a small number, is the first field that all exporters write.
            [8, version, ..] if *version < 64 => Ok(Self::Onnx),
            _ => Err("expected safetensors, ONNX, or a PyTorch archive (.pt, .pth)".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_recognised_by_the_first_bytes() {
        assert_eq!(FileKind::of(b"PK\x03\x04rest"), Ok(FileKind::Torch));
        assert_eq!(FileKind::of(b"\x10\0\0\0\0\0\0\0{\"a"), Ok(FileKind::Safetensors));
        assert_eq!(
            FileKind::of(b"\x80\x02\0\0\0\0\0\0{\"a"),
            Ok(FileKind::Safetensors),
            "a header of 640 bytes"
        );
        assert_eq!(FileKind::of(b"\x08\x07\x12\x07pytorch"), Ok(FileKind::Onnx));
        assert!(FileKind::of(b"\x80\x02\x8a\x0al").unwrap_err().contains("before 1.6"));
        for other in [&b""[..], b"\x89PNG\r\n\x1a\n", b"\x08", b"PK"] {
            assert!(FileKind::of(other).unwrap_err().starts_with("expected safetensors"), "{other:?}");
        }
    }
}
