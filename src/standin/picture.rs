//! A message as a person reads it, drawn with plain text.

/// The width of the text in a picture.
const WIDTH_CHARS: usize = 76;

/// The longest label that stands beside its value.
const LABEL_CHARS_MAX: usize = 24;

/// Draws a message line by line.
#[derive(Debug, Default)]
pub struct Picture {
    lines: Vec<String>,
    indent: String,
}

impl Picture {
    /// Puts `mark` before every following line, until [`Picture::outdent`].
    pub fn indent(&mut self, mark: &str) {
        self.indent.push_str(mark);
    }

    /// Takes the last `mark` away again.
    pub fn outdent(&mut self, mark: &str) {
        let keep = self.indent.len().saturating_sub(mark.len());
        self.indent.truncate(keep);
    }

    /// Adds `text`, wrapped at words; its own line ends stay.
    pub fn text(&mut self, text: &str) {
        self.hanging("", text);
    }

    /// Adds `text` behind `lead`; further lines stand under its beginning.
    pub fn hanging(&mut self, lead: &str, text: &str) {
        let width = WIDTH_CHARS.saturating_sub(self.indent.chars().count() + lead.chars().count()).max(20);
        let hang = " ".repeat(lead.chars().count());
        let mut first = true;
        for line in text.split('\n') {
            for part in wrap(line, width) {
                let lead = if first { lead } else { &hang };
                self.lines.push(format!("{}{lead}{part}", self.indent).trim_end().to_owned());
                first = false;
            }
        }
    }

    /// Adds labelled values in two columns; a long label stands above its value.
    pub fn fields(&mut self, fields: &[(String, String)]) {
        let length = |name: &str| name.chars().count();
        let short = fields.iter().map(|(name, _)| length(name)).filter(|length| *length <= LABEL_CHARS_MAX);
        let width = short.max().unwrap_or(0);
        for (name, value) in fields {
            if length(name) > LABEL_CHARS_MAX {
                self.text(name);
                self.hanging(&" ".repeat(width + 2), value);
            } else {
                self.hanging(&format!("{name:<width$}  "), value);
            }
        }
    }

    /// Adds an empty line, unless the last one is empty already.
    pub fn gap(&mut self) {
        let empty = self.indent.trim_end().to_owned();
        if self.lines.last().is_some_and(|last| *last != empty) {
            self.lines.push(empty);
        }
    }

    /// The picture under the heading `head`.
    #[must_use]
    pub fn framed(mut self, head: &str) -> String {
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let rest = WIDTH_CHARS.saturating_sub(head.chars().count() + 1);
        let mut drawn = format!("╭─ {head} {}\n", "─".repeat(rest));
        for line in &self.lines {
            drawn.push_str(format!("│ {line}").trim_end());
            drawn.push('\n');
        }
        drawn.push('╰');
        drawn.push_str(&"─".repeat(WIDTH_CHARS + 3));
        drawn
    }
}

fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut length = 0;
    for word in line.split_inclusive(' ') {
        let size = word.trim_end().chars().count();
        if length > 0 && length + size > width {
            lines.push(std::mem::take(&mut current));
            length = 0;
        }
        current.push_str(word);
        length += word.chars().count();
    }
    lines.push(current);
    lines
}
