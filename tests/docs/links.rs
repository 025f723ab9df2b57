//! Links between the pages, and the book's table of contents.

use std::path::Path;

use crate::blocks::pages;

/// The targets of a page's links, without those of code.
fn links(page: &str) -> Vec<String> {
    let mut code = false;
    let text: String = page
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !fence && !code
        })
        .map(|line| {
            // Every other part is code.
            line.split('`').step_by(2).collect::<String>() + "\n"
        })
        .collect();
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split_whitespace().next().unwrap_or_default().to_owned())
        .collect()
}

/// A heading as GitHub and mdBook make it an anchor.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            letter if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter),
            _ => None,
        })
        .collect()
}

#[test]
fn no_link_is_dead() {
    let mut checked = 0;
    for page in pages() {
        let directory = page.parent().unwrap();
        for link in links(&std::fs::read_to_string(&page).unwrap()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                directory.join(file)
            };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let found = text
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == fragment);
                assert!(found, "{}: {link} has no such heading", page.display());
            }
        }
    }
    assert!(checked > 50, "only {checked} links");
}

#[test]
fn the_book_has_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed = links(&summary);
    for page in pages() {
        let Ok(name) = page.strip_prefix(&docs) else {
            continue;
        };
        let name = name.to_str().unwrap();
        assert!(
            name == "SUMMARY.md" || name.starts_with("rules/TFS") || listed.iter().any(|link| link == name),
            "docs/SUMMARY.md does not list {name}"
        );
    }
}

#[test]
fn anchors_are_those_of_headings() {
    assert_eq!(anchor("## Which `kubectl` is it?"), "which-kubectl-is-it");
    assert_eq!(
        links("[a](b.md) `[c](d.md)`\n```text\n[e](f.md)\n```\n[g](h.md \"i\")"),
        ["b.md", "h.md"]
    );
}
