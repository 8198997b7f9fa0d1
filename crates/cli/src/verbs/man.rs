//! `man`: writes the manual pages of the program and its verbs.

use std::{io, path::Path};

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};
use image_file::path_text;
use serde::Serialize;

use crate::{
    args::Arguments,
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, whole_file::write_whole},
};

/// Program and version, in the last line of each page.
const SOURCE: &str = concat!("active-index ", env!("CARGO_PKG_VERSION"));

/// Name of the manual, in the first line of each page.
const MANUAL: &str = "active-index";

/// The pages have no date but their version. An empty one would be left out, and the version taken for it.
const DATE: &str = " ";

/// Heading of text that has none of its own on the pages of `--help`.
const NOTES: &str = "Notes";

/// Files that were written.
#[derive(Serialize)]
struct ManReport {
    folder: String,
    files: Vec<String>,
}

/// A manual page.
struct Page {
    /// Name of its file.
    file: String,
    /// Text in the language of `man`.
    text: Vec<u8>,
}

pub fn run(folder: &Path, session: &Session) -> Result<Outcome> {
    let pages = pages()?;
    let none: [&Path; 0] = [];
    let outputs = Outputs::default().and(folder, Content::Folder);
    let add = |outputs: Outputs, page: &Page| outputs.and(&folder.join(&page.file), Content::Manual);
    pages.iter().fold(outputs, add).check(none)?;
    for page in &pages {
        write_whole(&folder.join(&page.file), |file| file.write_all(&page.text))?;
    }
    let files = pages.into_iter().map(|page| page.file).collect();
    let report = Report::new(ManReport { folder: path_text(folder), files });
    session.result(&report, || format!("{} pages in {}", report.body.files.len(), report.body.folder))?;
    Ok(Outcome::Done)
}

/// Renders a page of the program and one of each verb, in the order of `--help`.
///
/// # Errors
/// Never: memory takes what is written.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = Arguments::command().disable_help_subcommand(true).subcommand_help_heading("Verbs");
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &mut pages)?;
    Ok(pages)
}

fn add_pages(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command)?);
    command.get_subcommands().try_for_each(|verb| add_pages(verb, pages))
}

fn page(command: &Command) -> io::Result<Page> {
    let man = Man::new(command.clone().after_help(None::<&str>));
    let man = man.date(DATE).source(SOURCE).manual(MANUAL);
    let mut text = Vec::new();
    man.render(&mut text)?;
    if let Some(help) = command.get_after_help() {
        sections(&help.to_string()).to_writer(&mut text)?;
    }
    Ok(Page { file: man.get_filename(), text })
}

/// Makes sections of the text at the end of a page of `--help`: paragraphs, and examples below their heading.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::new();
    let mut last = "";
    for paragraph in help.split("\n\n") {
        let (heading, lines) = match paragraph.split_once('\n') {
            Some((first, rest)) if first.ends_with(':') => (first.trim_end_matches(':'), rest),
            _ => (NOTES, paragraph),
        };
        if heading == last {
            roff.control("PP", []);
        } else {
            roff.control("SH", [heading.to_uppercase().as_str()]);
        }
        last = heading;
        add_lines(lines, &mut roff);
    }
    roff
}

/// Adds lines, as they are if any of them is indented, and filled otherwise.
fn add_lines(lines: &str, roff: &mut Roff) {
    let is_listing = lines.lines().any(|line| line.starts_with(' '));
    if is_listing {
        roff.control("nf", []);
    }
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    if is_listing {
        roff.control("fi", []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a page as its reader sees it: without requests and without the escapes of fonts and hyphens.
    fn plain(page: &Page) -> String {
        let text = String::from_utf8(page.text.clone()).unwrap();
        ["\\fB", "\\fI", "\\fR"].iter().fold(text, |text, font| text.replace(font, "")).replace("\\-", "-")
    }

    /// Checks the page of a command and of all verbs below it; returns the number of pages.
    fn check(command: &Command, pages: &[Page]) -> usize {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).replace(' ', "-");
        let page = pages.iter().find(|page| page.file == format!("{name}.1"));
        let text = plain(page.unwrap_or_else(|| panic!("{name} has no page")));
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(text.contains(&format!("--{option}")), "{name} does not name --{option}");
        }
        let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
        let below = verbs.map(|verb| {
            let link = format!("{name}-{}(1)", verb.get_name());
            assert!(text.contains(&link), "{name} does not name {link}");
            check(verb, pages)
        });
        1 + below.sum::<usize>()
    }

    #[test]
    fn every_verb_and_option_of_the_parser_is_on_its_page() {
        let pages = pages().unwrap();
        let mut parser = Arguments::parser();
        parser.build();
        assert_eq!(check(&parser, &pages), pages.len());
    }

    #[test]
    fn the_heading_names_page_and_version() {
        let version = env!("CARGO_PKG_VERSION");
        for page in pages().unwrap() {
            let heading = format!(
                ".TH {} 1 \" \" \"active-index {version}\" active-index\n",
                page.file.trim_end_matches(".1")
            );
            assert!(String::from_utf8(page.text).unwrap().contains(&heading), "{heading}");
        }
    }

    #[test]
    fn examples_keep_their_lines_and_prose_is_filled() {
        let text = sections("First.\nGoes on.\n\nSecond.\n\nExamples:\n  active-index -v\n  .dot").render();
        let start = text.find(".SH").unwrap();
        let wanted = ".SH NOTES\nFirst.\nGoes on.\n.PP\nSecond.\n.SH EXAMPLES\n.nf\n  active\\-index \\-v\n  .dot\n.fi\n";
        assert_eq!(&text[start..], wanted);
    }
}
