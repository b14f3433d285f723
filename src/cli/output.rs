//! Where commands write: data to stdout, talk to stderr.

use std::io::{self, IsTerminal, Write};

use crate::config::diagnostic::Color;

/// The two streams of a command.
#[derive(Debug)]
pub(super) struct Output {
    color: Color,
    talk_color: Color,
}

impl Output {
    pub(super) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let color = |terminal: bool| if wanted && terminal { Color::Always } else { Color::Never };
        Self { color: color(io::stdout().is_terminal()), talk_color: color(io::stderr().is_terminal()) }
    }

    /// Whether data may be coloured.
    pub(super) fn color(&self) -> Color {
        self.color
    }

    /// Whether talk may be coloured.
    pub(super) fn talk_color(&self) -> Color {
        self.talk_color
    }

    /// `word` in green or red where data may be coloured.
    pub(super) fn verdict(&self, word: &str, good: bool) -> String {
        let color = if good { 32 } else { 31 };
        match self.color {
            Color::Always => format!("\u{1b}[{color}m{word}\u{1b}[0m"),
            Color::Never => word.to_owned(),
        }
    }

    /// Writes data and a line end to stdout. A reader that has gone away (`| head`) is fine.
    pub(super) fn data(&mut self, text: &str) -> io::Result<()> {
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes talk and a line end to stderr.
    pub(super) fn talk(&mut self, text: &str) {
        // When stderr is gone there is nobody left to tell.
        if writeln!(io::stderr().lock(), "{text}").is_err() {
            self.talk_color = Color::Never;
        }
    }
}

/// `text` with control characters made visible, for terminals: event text must not move
/// the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() || is_bidi_control(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The same for text of several lines.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// `1 event`, `2 events`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Reads a number of things that are wanted.
pub(super) fn at_least_one(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number, at least 1".to_owned()),
    }
}

/// Characters that reorder what follows them.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}
