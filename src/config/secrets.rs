//! `${NAME}`, `${NAME:-default}` and `${file:PATH}` in the values of `relaybell.yaml`.

use std::path::{Path, PathBuf};

use super::Secrets;
use super::files::{self, Files};
use super::findings::{Findings, Place};
use super::scrub::SecretValues;

/// Gives the variables of an environment.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A value of `relaybell.yaml` with its references resolved.
#[derive(Debug, Clone)]
pub struct Text {
    /// The value; where a reference was left, the reference itself.
    pub value: String,
    /// Whether the value can be judged.
    pub state: State,
}

/// Whether a value can be judged and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It stands in the file as it is.
    Written,
    /// It came from the environment or a file: it can be judged, never shown.
    Resolved,
    /// It still has an unresolved reference in it.
    Left,
}

/// Resolves references.
pub struct Resolver<'a> {
    /// Whether a missing one is an error.
    pub mode: Secrets,
    /// The variables.
    pub environment: &'a Environment<'a>,
    /// The files.
    pub files: &'a dyn Files,
    /// What relative paths are relative to.
    pub base: PathBuf,
    /// All values met so far that must not be shown.
    pub values: SecretValues,
    /// The secret files read.
    pub read: Vec<PathBuf>,
}

/// A piece of a value.
enum Piece<'t> {
    Literal(&'t str),
    Variable { name: &'t str, default: Option<&'t str> },
    File(&'t str),
}

impl Resolver<'_> {
    /// `raw`, which stands at `at`, with its references resolved. `None` when one cannot be;
    /// the reason is in `findings`.
    pub fn resolve(&mut self, raw: &str, at: Place, findings: &mut Findings) -> Option<Text> {
        let pieces = match pieces(raw) {
            Ok(pieces) => pieces,
            Err(bad) => {
                let help = "references are ${NAME}, ${NAME:-default} and ${file:PATH}; a literal '${' is written '$${'";
                findings.error_help(exact(findings, at, bad), format!("'{}' is no reference", shown(bad)), help);
                return None;
            }
        };
        let mut text = Text { value: String::new(), state: State::Written };
        let mut complete = true;
        for piece in pieces {
            match self.piece(&piece) {
                Ok(Some((value, state))) => {
                    text.value.push_str(&value);
                    text.state = if text.state == State::Left { State::Left } else { state.max_with(text.state) };
                }
                Ok(None) => {
                    text.value.push_str(&piece.written());
                    text.state = State::Left;
                }
                Err((message, help)) => {
                    findings.error_help(exact(findings, at, &piece.written()), message, help);
                    complete = false;
                }
            }
        }
        complete.then_some(text)
    }

    /// The value of a piece; `Ok(None)` when it is left as it is.
    fn piece(&mut self, piece: &Piece<'_>) -> Result<Option<(String, State)>, (String, String)> {
        match piece {
            Piece::Literal(text) => Ok(Some(((*text).to_owned(), State::Written))),
            Piece::Variable { name, default } => match ((self.environment)(name).filter(|v| !v.is_empty()), default) {
                (Some(value), _) => {
                    self.values.add(&value);
                    Ok(Some((value, State::Resolved)))
                }
                (None, Some(default)) => Ok(Some(((*default).to_owned(), State::Written))),
                (None, None) if self.mode == Secrets::Leave => Ok(None),
                (None, None) => Err((
                    format!("the environment variable {name} is not set"),
                    format!("set it before Relaybell starts, or give a default: ${{{name}:-…}}"),
                )),
            },
            Piece::File(path) => {
                let path = self.base.join(path);
                match self.read_secret(&path) {
                    Ok(value) => {
                        self.values.add(&value);
                        self.read.push(path);
                        Ok(Some((value, State::Resolved)))
                    }
                    Err(_) if self.mode == Secrets::Leave => Ok(None),
                    Err(why) => Err((
                        format!("the secret file {} cannot be read: {why}", path.display()),
                        "a relative path is relative to the folder of this file".to_owned(),
                    )),
                }
            }
        }
    }

    fn read_secret(&self, path: &Path) -> Result<String, String> {
        let bytes = self.files.read(path).map_err(|error| files::why(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let value = text.trim_end_matches(['\n', '\r']);
        if value.is_empty() { Err("it is empty".to_owned()) } else { Ok(value.to_owned()) }
    }

    /// The value without any finding, for fingerprints.
    pub fn quietly(&mut self, raw: &str) -> String {
        let mut value = String::new();
        for piece in pieces(raw).unwrap_or_default() {
            match self.piece(&piece) {
                Ok(Some((text, _))) => value.push_str(&text),
                _ => value.push_str(&piece.written()),
            }
        }
        value
    }
}

impl State {
    fn max_with(self, other: Self) -> Self {
        if self == Self::Resolved || other == Self::Resolved { Self::Resolved } else { Self::Written }
    }
}

impl Piece<'_> {
    /// The piece as it stands in the file.
    fn written(&self) -> String {
        match self {
            Self::Literal(text) => (*text).to_owned(),
            Self::Variable { name, default: None } => format!("${{{name}}}"),
            Self::Variable { name, default: Some(default) } => format!("${{{name}:-{default}}}"),
            Self::File(path) => format!("${{file:{path}}}"),
        }
    }
}

/// The pieces of `raw`, or the part that is no reference.
fn pieces(raw: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = raw;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(kept) = before.strip_suffix('$') {
            pieces.push(Piece::Literal(kept));
            pieces.push(Piece::Literal("${"));
            rest = &from[2..];
            continue;
        }
        pieces.push(Piece::Literal(before));
        let Some(end) = from.find('}') else { return Err(from) };
        let inner = &from[2..end];
        let piece = if let Some(path) = inner.strip_prefix("file:") {
            Piece::File(path)
        } else {
            match inner.split_once(":-") {
                Some((name, default)) => Piece::Variable { name, default: Some(default) },
                None => Piece::Variable { name: inner, default: None },
            }
        };
        let good = match &piece {
            Piece::Variable { name, .. } => is_variable(name),
            Piece::File(path) => !path.is_empty(),
            Piece::Literal(_) => true,
        };
        if !good {
            return Err(&from[..=end]);
        }
        pieces.push(piece);
        rest = &from[end + 1..];
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The place of `part` within the value at `at`, when it stands there literally.
fn exact(findings: &Findings, at: Place, part: &str) -> Place {
    match findings.text_at(at).find(part) {
        Some(offset) if !part.is_empty() => {
            Place { start: at.start + offset, end: at.start + offset + part.len(), ..at }
        }
        _ => at,
    }
}

/// The beginning of a bad reference; what follows it may be a secret.
fn shown(bad: &str) -> String {
    let short: String = bad.chars().take(24).collect();
    if short.len() < bad.len() { format!("{short}…") } else { short }
}
