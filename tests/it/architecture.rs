//! The house rules that a compiler does not check: imports point downwards, crates stay
//! where they belong, the domain has no clock and no I/O, files and functions stay small.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules by floor; a file may import from lower floors and its own module only.
const FLOORS: [(&str, u32); 11] = [
    ("domain", 0),
    ("ports", 1),
    ("source", 1),
    ("destination", 1),
    ("store", 1),
    ("telemetry", 1),
    ("config", 2),
    ("relay", 3),
    ("web", 4),
    ("standin", 4),
    ("cli", 5),
];

/// Crates and the only places that may use them.
const CRATES: &[(&str, &[&str])] = &[
    ("reqwest", &["ports"]),
    ("rusqlite", &["store"]),
    ("axum", &["web", "standin"]),
    ("hyper", &["web", "standin"]),
    ("hyper_util", &["web", "standin"]),
    ("tower_http", &["web"]),
    ("clap", &["cli"]),
    ("hmac", &["destination/rest", "source/proof"]),
    ("sha1", &["source/proof"]),
    ("quick_junit", &["cli"]),
    ("listenfd", &["cli/manager"]),
    ("sd_notify", &["cli/manager"]),
    ("socket2", &["cli/manager"]),
    ("indicatif", &["cli/backtest"]),
    ("anyhow", &["cli"]),
    ("cel", &["domain/expression"]),
    ("handlebars", &["domain/render"]),
    ("pulldown_cmark", &["domain/markdown"]),
    ("foldhash", &["domain/index", "source/qase"]),
    ("unicode_segmentation", &["domain/characters"]),
    ("unicode_width", &["domain/characters"]),
    ("governor", &["relay/gate"]),
    ("notify", &["relay/reload"]),
    ("serde_saphyr", &["config", "domain/render/front"]),
    ("prometheus_client", &["telemetry"]),
];

/// What the pure floors must not touch.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "tokio::",
    "async fn",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "rand::",
];

const PURE: [&str; 3] = ["domain/", "source/", "destination/"];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 80;

struct SourceFile {
    /// Below `src/`, with `/`.
    name: String,
    lines: Vec<String>,
}

impl SourceFile {
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The lines with their numbers, without comments and without unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(self.lines.len());
        self.lines[..end]
            .iter()
            .enumerate()
            .map(|(index, line)| (index + 1, line.as_str()))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn rust_files(folder: &str) -> Vec<SourceFile> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| SourceFile {
            name: path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
            lines: fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect(),
        })
        .collect()
}

fn floor(module: &str) -> u32 {
    FLOORS.iter().find(|(name, _)| *name == module).map_or(u32::MAX, |(_, floor)| *floor)
}

/// The modules of this crate that a line names: `crate::store::…`, or each name of
/// `crate::{config, store}`.
fn imports(line: &str) -> Vec<&str> {
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'))
        .flat_map(|(at, found)| {
            let rest = &line[at + found.len()..];
            let word =
                |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
            match rest.strip_prefix('{') {
                Some(group) => group.split([',', '}']).map(|part| &part.trim()[..word(part.trim())]).collect(),
                None => vec![&rest[..word(rest)]],
            }
        })
        .filter(|module| FLOORS.iter().any(|(name, _)| name == module))
        .collect()
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let problems: Vec<String> = rust_files("src")
        .iter()
        .filter(|file| !["lib.rs", "main.rs"].contains(&file.name.as_str()) && floor(file.module()) == u32::MAX)
        .map(|file| format!("src/{}: its module stands on no floor; add it to FLOORS", file.name))
        .collect();
    report(&problems);
}

#[test]
fn imports_point_downwards() {
    let mut problems = Vec::new();
    for file in rust_files("src").iter().filter(|file| floor(file.module()) != u32::MAX) {
        for (number, line) in file.code() {
            for module in imports(line) {
                if module != file.module() && floor(module) >= floor(file.module()) {
                    problems.push(format!("src/{}:{number}: {} must not import {module}", file.name, file.module()));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn crates_stay_where_they_belong() {
    let mut problems = Vec::new();
    for file in rust_files("src") {
        for (number, line) in file.code() {
            for (name, places) in CRATES {
                let used = line
                    .match_indices(&format!("{name}::"))
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
                if used && !places.iter().any(|place| file.name.starts_with(place)) {
                    problems.push(format!("src/{}:{number}: {name} belongs in {}", file.name, places.join(", ")));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn the_pure_floors_have_no_clock_no_io_and_no_chance() {
    let mut problems = Vec::new();
    for file in rust_files("src").iter().filter(|file| PURE.iter().any(|pure| file.name.starts_with(pure))) {
        for (number, line) in file.code() {
            for impure in IMPURE.iter().filter(|impure| line.contains(**impure)) {
                problems.push(format!("src/{}:{number}: {impure} has no place here", file.name));
            }
        }
    }
    report(&problems);
}

#[test]
fn files_and_functions_stay_small() {
    let mut problems = Vec::new();
    for folder in ["src", "tests/it"] {
        for file in rust_files(folder) {
            if file.lines.len() > FILE_LINES_MAX {
                problems.push(format!("{folder}/{}: {} lines (at most {FILE_LINES_MAX})", file.name, file.lines.len()));
            }
            for (name, start, length) in functions(&file.lines) {
                if length > FUNCTION_LINES_MAX {
                    problems.push(format!(
                        "{folder}/{}:{start}: {name} has {length} lines (at most {FUNCTION_LINES_MAX})",
                        file.name
                    ));
                }
            }
        }
    }
    report(&problems);
}

/// Functions by name, first line and length. A formatted function ends at the line that
/// closes it at its own indentation.
fn functions(lines: &[String]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(after) = line.trim_start().split("fn ").nth(1) else { continue };
        let before = line.trim_start().split("fn ").next().unwrap();
        if !before.split_whitespace().all(|word| ["pub", "pub(super)", "pub(crate)", "async", "const"].contains(&word))
        {
            continue;
        }
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let close = format!("{}}}", " ".repeat(indent));
        let length = lines[index..].iter().position(|line| *line == close).map_or(1, |end| end + 1);
        found.push((name, index + 1, length));
    }
    found
}

#[test]
fn the_checks_themselves_bite() {
    assert_eq!(imports("use crate::store::Store;"), ["store"]);
    assert_eq!(imports("use crate::{config, relay::Relay};"), ["config", "relay"]);
    assert_eq!(imports("let x = crate::web::router();"), ["web"]);
    assert!(imports("use mycrate::store::Store;").is_empty());
    let long: Vec<String> = std::iter::once("fn long() {".to_owned())
        .chain((0..90).map(|_| "    x();".to_owned()))
        .chain(["}".to_owned()])
        .collect();
    assert_eq!(functions(&long), [("long".to_owned(), 1, 92)]);
}
