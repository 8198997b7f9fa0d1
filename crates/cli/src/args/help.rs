//! The top page of `--help`: an example, then the verbs in groups.

use clap::Command;

/// Headings of the groups, and their verbs in the order of the page.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Everyday", &["release", "find", "serve", "activate", "search"]),
    ("Collections", &["collection", "withdraw", "restore"]),
    ("Building blocks", &["describe", "index"]),
    ("Measuring", &["advise", "eval", "transform"]),
    ("Installation", &["devices", "healthcheck", "completions", "man", "help"]),
];

/// A first example of use.
const EXAMPLE: &str = "  \
  active-index activate photos/ --index db.faiss --out released/
  active-index search suspect.jpg --index db.faiss";

/// Width of the column of verbs.
const COLUMN: usize = 13;

/// Replaces the flat list of verbs on the top page of help.
pub fn with_groups(mut command: Command) -> Command {
    // Adds the verb `help`.
    command.build();
    command = command.mut_subcommand("help", |help| help.about("Show the options and examples of a verb"));
    let heading = *command.get_styles().get_header();
    let heading = |text: &str| format!("{heading}{text}:{heading:#}");
    let groups = GROUPS.map(|(name, verbs)| format!("{}\n{}", heading(name), group(&command, verbs)));
    let template = format!(
        "{{about-with-newline}}\n{}\n{EXAMPLE}\n\n{{usage-heading}} {{usage}}\n\n{}\n{}\n{{options}}",
        heading("Example"),
        groups.join("\n"),
        heading("Options"),
    );
    command.help_template(template)
}

/// Lists verbs with their one-line descriptions.
fn group(command: &Command, verbs: &[&str]) -> String {
    let line = |verb: &&str| {
        let about = command.find_subcommand(verb).and_then(Command::get_about);
        format!("  {verb:COLUMN$}{}\n", about.map(ToString::to_string).unwrap_or_default())
    };
    verbs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;

    #[test]
    fn every_verb_is_in_one_group_and_has_an_example() {
        let parser = Arguments::parser();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| *verbs).copied().collect();
        grouped.sort_unstable();
        let mut verbs: Vec<&str> = parser.get_subcommands().map(Command::get_name).collect();
        verbs.sort_unstable();
        assert_eq!(grouped, verbs);
        check_examples(&parser);
    }

    /// Examples must parse, as written.
    fn check_examples(command: &Command) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> =
                help.lines().map(str::trim).filter(|line| line.starts_with("active-index ")).collect();
            assert!(!examples.is_empty(), "{} has no example", verb.get_name());
            for line in examples {
                let words = line.split(" > ").next().unwrap_or_default().split_whitespace();
                let parsed = Arguments::parser().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
            check_examples(verb);
        }
    }

    #[test]
    fn the_top_page_opens_with_an_example() {
        let page = Arguments::parser().render_help().to_string();
        let [example, everyday, options] =
            ["Example:", "Everyday:", "Options:"].map(|heading| page.find(heading).unwrap());
        assert!(example < everyday && everyday < options, "{page}");
        assert!(page.contains("  search       Find the nearest entries"), "{page}");
    }
}
