//! The page of `--report`.
use super::{Findings, document::Document};
use anyhow::Result;
use std::path::Path;
pub fn write(_path: &Path, _findings: &Findings, _document: &Document) -> Result<()> {
    Ok(())
}
