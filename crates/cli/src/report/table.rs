//! Tables for the terminal.

use comfy_table::{CellAlignment, Table, presets};

/// Formats a table with headings; all columns but the first `left` are aligned to the right.
pub fn table(headings: &[&str], left: usize, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(headings);
    table.add_rows(rows);
    table.column_iter_mut().skip(left).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.to_string()
}

/// Formats a number with `digits` decimals, or `-` for `None`.
pub fn decimal(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
