//! The functions that expressions may call.

use super::Kind;

/// A function of values. `has`, `matches`, `duration`, `all` … are handled by the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Lower,
    Upper,
    Rank,
    Double,
    Int,
    Text,
    Split,
    Join,
    Replace,
    Trim,
    Seconds,
}

/// How a function may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `lower(title)`.
    Call,
    /// `title.startsWith("Smoke")`.
    Method,
    /// Either.
    Both,
}

/// What a function takes and gives.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) style: Style,
    pub(super) takes: &'static [Kind],
    pub(super) gives: Kind,
    /// How it is written, for help.
    pub(super) form: &'static str,
}

const fn signature(
    name: &'static str,
    function: Function,
    style: Style,
    takes: &'static [Kind],
    gives: Kind,
    form: &'static str,
) -> Signature {
    Signature { name, function, style, takes, gives, form }
}

use Kind::{Any, Flag, List, Number, Rank, Text};

pub(super) const SIGNATURES: [Signature; 15] = [
    signature("size", Function::Size, Style::Both, &[Any], Number, "size(tags)"),
    signature("startsWith", Function::StartsWith, Style::Method, &[Text, Text], Flag, "title.startsWith(\"Smoke\")"),
    signature("endsWith", Function::EndsWith, Style::Method, &[Text, Text], Flag, "title.endsWith(\"(known)\")"),
    signature("contains", Function::Contains, Style::Method, &[Text, Text], Flag, "title.contains(\"card\")"),
    signature("lower", Function::Lower, Style::Both, &[Text], Text, "lower(title)"),
    signature("upper", Function::Upper, Style::Both, &[Text], Text, "upper(title)"),
    signature("rank", Function::Rank, Style::Call, &[Text], Rank(""), "rank(severity) >= rank(\"critical\")"),
    signature("double", Function::Double, Style::Call, &[Any], Number, "double(payload.score)"),
    signature("int", Function::Int, Style::Call, &[Any], Number, "int(payload.score)"),
    signature("string", Function::Text, Style::Call, &[Any], Text, "string(id)"),
    signature("split", Function::Split, Style::Method, &[Text, Text], List, "title.split(\"/\")[0]"),
    signature("join", Function::Join, Style::Method, &[List, Text], Text, "tags.join(\", \")"),
    signature("replace", Function::Replace, Style::Method, &[Text, Text, Text], Text, "title.replace(\"_\", \" \")"),
    signature("trim", Function::Trim, Style::Both, &[Text], Text, "trim(title)"),
    signature(
        "timestamp",
        Function::Seconds,
        Style::Call,
        &[Any],
        Number,
        "timestamp(payload.ended) - timestamp(payload.started) > duration(\"1h\")",
    ),
];

/// The functions that the check knows by itself, and how they are written.
pub(super) const SPECIAL: [(&str, &str); 11] = [
    ("has", "has(environment)"),
    ("matches", "title.matches(\"HTTP 5[0-9]+\")"),
    ("duration", "age > duration(\"4h\")"),
    ("first", "first(environment, \"unknown\")"),
    ("extract", "extract(title, \"[A-Z]+-[0-9]+\")"),
    ("substring", "title.substring(0, 8)"),
    ("all", "tags.all(t, t != \"wip\")"),
    ("exists", "tags.exists(t, t.startsWith(\"release\"))"),
    ("exists_one", "tags.exists_one(t, t == \"smoke\")"),
    ("filter", "size(tags.filter(t, t != \"wip\")) > 0"),
    ("map", "\"smoke\" in tags.map(t, lower(t))"),
];

/// What other languages call the functions.
pub(super) const SYNONYMS: [(&str, &str); 29] = [
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("toLowerCase", "lower"),
    ("lowerAscii", "lower"),
    ("lowercase", "lower"),
    ("toUpperCase", "upper"),
    ("upperAscii", "upper"),
    ("starts_with", "startsWith"),
    ("ends_with", "endsWith"),
    ("includes", "contains"),
    ("match", "matches"),
    ("regex", "matches"),
    ("any", "exists"),
    ("some", "exists"),
    ("present", "has"),
    ("float", "double"),
    ("number", "double"),
    ("str", "string"),
    ("toString", "string"),
    ("default", "first"),
    ("coalesce", "first"),
    ("ifNull", "first"),
    ("orValue", "first"),
    ("capture", "extract"),
    ("substr", "substring"),
    ("strip", "trim"),
    ("replaceAll", "replace"),
    ("date", "timestamp"),
];

/// How the function `name` is written; `None` when there is none.
pub(super) fn form(name: &str) -> Option<&'static str> {
    let plain = SIGNATURES.iter().find(|one| one.name == name).map(|one| one.form);
    plain.or_else(|| SPECIAL.iter().find(|(known, _)| *known == name).map(|(_, form)| *form))
}

/// The names of all functions.
pub(super) fn names() -> Vec<&'static str> {
    SIGNATURES.iter().map(|one| one.name).chain(SPECIAL.iter().map(|(name, _)| *name)).collect()
}
