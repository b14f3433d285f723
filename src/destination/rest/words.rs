//! A message in the words of a described receiver.

use super::super::flat::plain;
use super::super::sheet::Sheet;
use super::super::text::{one_line, units};
use super::{html, markdown};
use crate::domain::message::Message;
use crate::domain::render::Flavor;

/// How much of a message a receiver takes, in UTF-16 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Of the title.
    pub title: usize,
    /// Of the body, with all its markup.
    pub body: usize,
}

impl Cut {
    /// What nearly every tracker takes.
    pub const USUAL: Self = Self { title: 255, body: 30_000 };
}

/// Everything that `message` says but its title, in `flavor`, within `cut`; the title when
/// there is nothing else. Without the mentions where they stand `apart`.
pub(super) fn body(flavor: Flavor, cut: Cut, message: &Message, apart: bool) -> String {
    let mut sheet = Sheet::new(message, cut.title);
    if apart {
        sheet.mentions.clear();
    }
    let text = sheet.fit(|sheet| encode(flavor, sheet), |text| units(text) <= cut.body);
    if text.trim().is_empty() { flavor.literal(&sheet.title) } else { text }
}

fn encode(flavor: Flavor, sheet: &Sheet) -> String {
    match flavor {
        Flavor::Markdown => markdown::encode(sheet),
        Flavor::Html => html::encode(sheet),
        Flavor::Plain | Flavor::Exact => {
            let mut parts = vec![flavor.literal(&plain(&sheet.pieces))];
            let fields: Vec<String> =
                sheet.fields.iter().map(|field| flavor.literal(&format!("{}: {}", field.name, field.value))).collect();
            parts.insert(0, names(flavor, sheet.mentions.iter().map(|mention| mention.name.as_str())));
            parts.push(fields.join("\n"));
            parts.extend(sheet.link.as_ref().map(ToString::to_string));
            parts.extend(sheet.remark.as_deref().map(|remark| flavor.literal(remark)));
            parts.retain(|part| !part.is_empty());
            parts.join("\n\n")
        }
    }
}

/// Whom the rule mentions, as `@name`: the only text that may mention.
pub(super) fn mentions(flavor: Flavor, message: &Message) -> String {
    names(flavor, message.mentions.iter().map(|mention| mention.name.as_str()))
}

/// Names as `@name`, each only if it can be one.
pub(super) fn names<'n>(flavor: Flavor, names: impl Iterator<Item = &'n str>) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let shown = |name: &str| {
        if name.chars().all(fits) { format!("@{name}") } else { flavor.literal(&format!("@{}", one_line(name))) }
    };
    names.map(shown).collect::<Vec<_>>().join(" ")
}
