//! The table, printed as it is measured.

use crate::measures::Row;

/// Rows printed so far.
#[derive(Default)]
pub struct Report {
    missed: usize,
}

impl Report {
    /// Prints the head of the table.
    pub fn begin(versions: &[String], threads: usize) {
        println!("Entries of 512 dimensions; {threads} threads; medians of turns; {}", versions.join("; "));
        println!("| entries | what | collection | bare index | times | faiss | LanceDB | goal | note |");
        println!("|---|---|---|---|---|---|---|---|---|");
    }

    /// Prints a row for a number of entries.
    pub fn row(&mut self, n: usize, row: &Row) {
        let met = row.is_met();
        self.missed += usize::from(!met);
        let [collection, bare, faiss, lancedb] =
            row.numbers.map(|number| number.map_or_else(|| "-".to_owned(), |value| row.unit.text(value)));
        let times = row.times_bare().map_or_else(String::new, |times| format!("{times:.2}"));
        let missed = if met { "" } else { " **missed**" };
        let (what, goal, note) = (&row.what, row.goal.text(row.unit), &row.note);
        println!(
            "| {n} | {what} | {collection} | {bare} | {times} | {faiss} | {lancedb} | {goal}{missed} | {note} |"
        );
    }

    /// Prints how many goals were missed, and the failures.
    pub fn end(&self, failures: &[String]) {
        println!("\n{} goals missed, {} sides failed", self.missed, failures.len());
        failures.iter().for_each(|failure| println!("{failure}"));
    }
}
