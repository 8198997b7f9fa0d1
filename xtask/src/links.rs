//! Check of links between the Markdown files of the project.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{cargo, sources};

/// Links and headings of a Markdown file.
#[derive(Debug, Default, PartialEq)]
struct Page {
    links: Vec<String>,
    /// Anchors of the headings, as GitHub makes them.
    anchors: BTreeSet<String>,
}

/// Checks all links to files and to headings; those to other hosts are not followed.
///
/// # Errors
/// If a link has no target.
pub fn check() -> Result<()> {
    let root = cargo::root()?;
    let mut pages = BTreeMap::new();
    for path in sources::with_ending("md")? {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        pages.insert(fs::canonicalize(&path)?, Page::of(&text));
    }
    let mut broken = Vec::new();
    let mut count = 0;
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| is_local(link)) {
            count += 1;
            if !leads_somewhere(path, link, &pages) {
                let name = path.strip_prefix(&root).unwrap_or(path);
                broken.push(format!("{}: {link}", name.display()));
            }
        }
    }
    ensure!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    println!("{count} links between {} pages lead somewhere", pages.len());
    Ok(())
}

fn is_local(link: &str) -> bool {
    !link.contains("://") && !link.starts_with("mailto:")
}

fn leads_somewhere(from: &Path, link: &str, pages: &BTreeMap<PathBuf, Page>) -> bool {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { from.to_owned() } else { from.with_file_name("").join(file) };
    let Ok(target) = fs::canonicalize(target) else { return false };
    let has = |anchor: &str| pages.get(&target).is_some_and(|page| page.anchors.contains(anchor));
    anchor.is_none_or(has)
}

impl Page {
    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap_or_default()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Adds the anchor of a heading, numbered where it is not the first of its name.
    fn add_anchor(&mut self, heading: &str) {
        let first = slug(heading);
        let mut numbered = (1..).map(|n| format!("{first}-{n}"));
        let mut anchor = first.clone();
        while self.anchors.contains(&anchor) {
            anchor = numbered.next().unwrap_or_default();
        }
        self.anchors.insert(anchor);
    }
}

/// A heading in lower case, with `-` for spaces and without punctuation.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_anchors_are_those_that_readers_see() {
        let text = "# Two commands\n\n[a](b.md#c) `[no](link)` ![p](p.png)\n\n```\n[no](code)\n```\n\n\
                    ## `LSH`, k-means & R@1\n\n# Two commands\n";
        let page = Page::of(text);
        assert_eq!(page.links, ["b.md#c", "p.png"]);
        let anchors = ["lsh-k-means--r1", "two-commands", "two-commands-1"];
        assert_eq!(page.anchors, anchors.map(str::to_owned).into());
    }

    #[test]
    fn missing_files_and_headings_are_found() {
        let folder = cargo::root().unwrap();
        let path = fs::canonicalize(folder.join("README.md")).unwrap();
        let pages = BTreeMap::from([(path.clone(), Page::of("# One"))]);
        let leads = |link| leads_somewhere(&path, link, &pages);
        assert!(leads("#one") && leads("README.md#one") && leads("xtask/Cargo.toml"));
        assert!(!leads("#two") && !leads("nowhere.md") && !leads("xtask/Cargo.toml#one"));
    }
}
