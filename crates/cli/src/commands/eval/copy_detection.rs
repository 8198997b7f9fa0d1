use crate::{
    Outcome,
    args::{EvalCopyDetection, Globals},
    output::Output,
};
use anyhow::Result;
pub fn copy_detection(
    _arguments: &EvalCopyDetection,
    _globals: &Globals,
    _output: &Output,
) -> Result<Outcome> {
    anyhow::bail!("todo")
}
