//! Rules and webhooks made up so that it is known how many match: over 200 projects, all
//! event names and severities, beginnings of titles, ranges and equal numbers, fields of
//! the payload, and exclusions.

use std::fmt::Write as _;

use relaybell::source::qase::catalogue;
use serde_json::json;

const SEVERITIES: [&str; 7] = ["blocker", "critical", "major", "normal", "minor", "trivial", "undefined"];
const PROJECTS: usize = 200;
/// Titles begin with one of so many words, and payloads name one of so many components.
const WORDS: usize = 40;
/// Suites, and numbers of cases, run up to this.
const NUMBERS: usize = 50;
/// How many files the rules are spread over.
const FILES: usize = 20;

/// What the rules of a set are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The matches of an event grow with the rules: about one in 400 matches.
    Growing,
    /// About two match whatever their number, and each names a project.
    Level,
    /// About two match whatever their number, and one in ten names a project.
    NoProject,
}

impl Shape {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Growing => "growing",
            Self::Level => "level",
            Self::NoProject => "no-project",
        }
    }
}

/// Numbers that look random and are the same every time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn roll(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap_or(0)
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

/// The rule files.
pub fn rule_files(shape: Shape, count: usize) -> Vec<String> {
    let mut dice = Dice::new(7);
    let all: Vec<usize> = (0..count).collect();
    let each = count.div_ceil(FILES).max(1);
    all.chunks(each)
        .map(|part| {
            let mut text = String::from("rules:\n");
            for n in part {
                let when = when(shape, count, *n, &mut dice);
                let unless = match n % 3 {
                    0 => "    unless: { title: { starts_with: \"[draft]\" } }\n",
                    1 => "    unless: { payload.component: c-none }\n",
                    _ => "",
                };
                let send = "    send: [{ to: chat }]\n";
                write!(text, "  - name: rule-{n}\n    when: {{ {when} }}\n{unless}{send}").expect("a string");
            }
            text
        })
        .collect()
}

/// One line that about one event in `among` fulfils.
fn rare(among: usize, dice: &mut Dice) -> String {
    let word = dice.roll(WORDS);
    let number = dice.roll(NUMBERS);
    match (among, dice.roll(4)) {
        (..=7, 0) => format!("severity: {{ at_least: {} }}", SEVERITIES[1 + dice.roll(2)]),
        (..=7, _) => format!("severity: {}", dice.of(&SEVERITIES)),
        (_, 0) => format!("title: {{ starts_with: \"Area{word} \" }}"),
        (_, 1) => format!("suite_id: {number}"),
        (_, 2) => format!("payload.component: c-{word}"),
        (_, _) => format!("cases: {{ at_least: {number}, at_most: {} }}", number + 1),
    }
}

fn when(shape: Shape, count: usize, n: usize, dice: &mut Dice) -> String {
    let event = catalogue().events()[dice.roll(catalogue().events().len())];
    let project = format!("project: P{}", dice.roll(PROJECTS));
    match shape {
        Shape::Growing => match n % 4 {
            0 => format!("{project}, {}", rare(7, dice)),
            1 => format!("event: {event}, {}", rare(7, dice)),
            2 => format!(
                "project: [P{}, P{}], severity: {{ at_least: critical }}",
                dice.roll(PROJECTS),
                dice.roll(PROJECTS)
            ),
            _ => format!("event: {event}, title: {{ starts_with: \"Area{} \" }}", dice.roll(WORDS)),
        },
        Shape::Level if count > 20_000 => format!("event: {event}, {project}, {}", rare(7, dice)),
        Shape::Level => format!("event: {event}, {project}"),
        Shape::NoProject if n.is_multiple_of(10) => format!("{project}, {}, {}", rare(7, dice), rare(WORDS, dice)),
        Shape::NoProject if n % 10 == 1 && count > 20_000 => {
            format!("suite_id: {}, payload.component: c-{}, {}", dice.roll(NUMBERS), dice.roll(WORDS), rare(7, dice))
        }
        Shape::NoProject if count > 20_000 => {
            let first = rare(WORDS, dice);
            format!("event: {event}, {first}, {}", second(&first, dice))
        }
        Shape::NoProject => format!("event: {event}, {}, {}", rare(7, dice), rare(WORDS, dice)),
    }
}

/// A second rare line about another fact than the first.
fn second(first: &str, dice: &mut Dice) -> String {
    let fact = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    loop {
        let line = rare(WORDS, dice);
        if fact(&line) != fact(first) {
            return line;
        }
    }
}

/// Webhooks of about 600 bytes.
pub fn webhooks(count: usize) -> Vec<String> {
    let mut dice = Dice::new(11);
    (0..count)
        .map(|n| {
            json!({
                "event_name": catalogue().events()[dice.roll(catalogue().events().len())],
                "timestamp": 1_789_382_400 + n,
                "payload": {
                    "id": n,
                    "title": format!("Area{} checkout fails when the saved card is declined twice", dice.roll(WORDS)),
                    "severity": dice.of(&SEVERITIES),
                    "priority": { "id": 1, "title": "High" },
                    "actual_result": "Paying with 3-D Secure fails after the redirect; the order stays open and the card is charged.",
                    "suite_id": dice.roll(NUMBERS),
                    "cases": dice.roll(NUMBERS),
                    "component": format!("c-{}", dice.roll(WORDS)),
                    "custom_fields": [{ "id": 1, "title": "Browser", "value": "Firefox 142" }, { "id": 2, "title": "Team", "value": "payments" }],
                    "tags": [{ "title": "checkout" }, { "title": "cards" }],
                },
                "team_member_id": 4,
                "project_code": format!("P{}", dice.roll(PROJECTS)),
            })
            .to_string()
        })
        .collect()
}
