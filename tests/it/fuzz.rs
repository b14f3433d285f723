//! What fuzzing has found stays mended: its corpus again, and seeded mutations of it.
//! `fuzz/` drives the same with libFuzzer.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Words that break things where letters do not.
const DICTIONARY: [&str; 40] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "&&",
    "||",
    "!",
    "?",
    ":",
    ".",
    ",",
    "==",
    ">=",
    " in ",
    "r\"",
    "b'",
    "\"\"\"",
    "1e999",
    "-9223372036854775808",
    "18446744073709551616u",
    "0x",
    "null",
    "true",
    "tags.all(x, ",
    "has(",
    "payload.",
    "matches(\"",
    "\\u{0}",
    "☃",
    "\n",
    "\u{2028}",
    "- ",
    ": ",
    "where: ",
    "{{",
];

fn corpus(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 50 && files.len() < 300, "the corpus of {target} has {} files", files.len());
    files.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

fn below(rng: &mut TestRng, limit: usize) -> usize {
    if limit == 0 { 0 } else { rng.random_range(0..limit) }
}

/// Another text, made of one or two of `corpus`.
fn mutated(corpus: &[String], rng: &mut TestRng) -> String {
    let mut signs: Vec<char> = corpus[below(rng, corpus.len())].chars().collect();
    for _ in 0..=below(rng, 4) {
        let at = below(rng, signs.len() + 1);
        let end = (at + below(rng, 12)).min(signs.len());
        match below(rng, 5) {
            0 => drop(signs.drain(at..end)),
            1 => {
                let part: Vec<char> = signs[at..end].to_vec();
                let times = 1 + below(rng, 8);
                signs.splice(at..at, part.repeat(times));
            }
            2 => {
                let other: Vec<char> = corpus[below(rng, corpus.len())].chars().collect();
                let from = below(rng, other.len());
                signs.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let word = DICTIONARY[below(rng, DICTIONARY.len())];
                signs.splice(at..at, word.chars());
            }
        }
    }
    signs.into_iter().collect()
}

fn survives(target: fn(&[u8]), input: &str) {
    assert!(catch_unwind(|| target(input.as_bytes())).is_ok(), "this input breaks it: {input:?}");
}

fn replay(name: &str, target: fn(&[u8]), mutations: usize) {
    let corpus = corpus(name);
    for input in &corpus {
        survives(target, input);
    }
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..mutations {
        survives(target, &mutated(&corpus, &mut rng));
    }
}

#[test]
fn no_expression_of_the_corpus_breaks_anything() {
    replay("expression", targets::expression, 3_000);
}

#[test]
fn no_configuration_of_the_corpus_breaks_anything() {
    replay("loader", targets::loader, 400);
}

#[test]
fn inputs_are_bounded() {
    let long = "cases > 1 || ".repeat(targets::INPUT_BYTES_MAX);
    survives(targets::expression, &long);
    survives(targets::loader, &(targets::SEPARATOR.repeat(3) + &long));
}
