//! Markdown, parsed into the blocks of a message.
//!
//! CommonMark with tables, strike-through and task lists. What could act on a reader
//! does not survive: raw HTML becomes literal text, images become links, a link leads to
//! `http`, `https` or `mailto` or is plain text. A line break in the source is a line
//! break in the message, as chats do it. Values of an event arrive as [`literal`]s, which
//! no syntax can see.

mod address;
mod builder;
mod inlines;
pub mod literal;

pub use address::address;

use pulldown_cmark::{Event, Options, Parser};

use super::message::{Block, Inline};
use builder::Builder;

/// The most Markdown that is read, in bytes; the rest is left out, with a mark.
pub const MARKDOWN_BYTES_MAX: usize = 1 << 20;

/// The most parts (blocks and runs of text) a parsed body has; the rest is left out,
/// with a mark.
pub const PARTS_MAX: usize = 4_000;

/// How deep quotations, lists and emphasis nest; what nests deeper is flattened.
pub const DEPTH_MAX: usize = 8;

/// Stands where something was left out.
pub const SHORTENED: &str = "… (shortened)";

/// Parses `markdown`. Never fails: what is no markup is text.
#[must_use]
pub fn parse(markdown: &str) -> Vec<Block> {
    let cut = markdown.floor_char_boundary(MARKDOWN_BYTES_MAX);
    let mut shortened = cut < markdown.len();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder::default();
    for event in Parser::new_ext(&markdown[..cut], options) {
        if builder.parts() >= PARTS_MAX && !matches!(event, Event::End(_)) {
            shortened = true;
            break;
        }
        builder.take(event);
    }
    let mut blocks = builder.finish();
    if shortened {
        blocks.push(Block::Paragraph(vec![Inline::Text(SHORTENED.to_owned())]));
    }
    blocks
}

#[cfg(test)]
mod tests;
