//! From the parser's flat events to nested blocks, with bounded depth and no recursion.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Tag, TagEnd};

use super::inlines::{is_blank, join, on_one_line, text_inlines, tidy};
use super::literal::decode;
use super::{DEPTH_MAX, address};
use crate::domain::message::{Block, Inline, Item};

/// The longest name of a code block's language that is kept, in bytes.
const LANGUAGE_BYTES_MAX: usize = 32;

/// What is open: its kind, and what it holds so far.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    blocks: Vec<Block>,
    inlines: Vec<Inline>,
}

#[derive(Debug)]
enum Kind {
    Root,
    Quote,
    List {
        start: Option<u64>,
        items: Vec<Item>,
    },
    Item {
        done: Option<bool>,
    },
    Paragraph,
    Heading(u8),
    Code {
        language: Option<String>,
        text: String,
    },
    Html(String),
    Table {
        head: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Row {
        cells: Vec<Vec<Inline>>,
        place: Place,
    },
    Cell,
    Strong,
    Emph,
    Strike,
    Link {
        url: Option<String>,
        instead: String,
    },
    /// So many that are too deep to be kept: their content goes to what holds them.
    Flat(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Body,
}

/// Takes events and gives blocks.
#[derive(Debug)]
pub(super) struct Builder {
    stack: Vec<Frame>,
    /// How many open frames count towards [`DEPTH_MAX`].
    depth: usize,
    parts: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self { stack: vec![Frame::new(Kind::Root)], depth: 0, parts: 0 }
    }
}

impl Kind {
    fn is_inline(&self) -> bool {
        matches!(self, Self::Strong | Self::Emph | Self::Strike | Self::Link { .. })
    }

    /// Whether it counts towards [`DEPTH_MAX`].
    fn nests(&self) -> bool {
        self.is_inline() || matches!(self, Self::Quote | Self::List { .. })
    }
}

impl Frame {
    fn new(kind: Kind) -> Self {
        Self { kind, blocks: Vec::new(), inlines: Vec::new() }
    }

    /// Closes the paragraph that loose text forms, as in a tight list.
    fn flush(&mut self) {
        let inlines = tidy(std::mem::take(&mut self.inlines));
        if !inlines.is_empty() {
            self.blocks.push(Block::Paragraph(inlines));
        }
    }
}

impl Builder {
    /// How many parts there are so far.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Takes the next event.
    pub fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(end) => self.close(end),
            Event::Text(text) => self.text(&text),
            Event::Html(text) | Event::InlineHtml(text) | Event::FootnoteReference(text) => self.text(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
            Event::Code(text) => {
                let code = decode(&text).replace('\n', " ");
                if !code.trim().is_empty() {
                    self.inline(Inline::Code(code));
                }
            }
            Event::SoftBreak | Event::HardBreak => self.inline(Inline::Break),
            Event::Rule => self.block(Block::Rule),
            Event::TaskListMarker(checked) => {
                if let Some(Frame { kind: Kind::Item { done }, .. }) = self.stack.last_mut() {
                    *done = Some(checked);
                }
            }
        }
    }

    /// Everything taken, closed.
    pub fn finish(mut self) -> Vec<Block> {
        while self.stack.len() > 1 {
            self.pop();
        }
        self.stack.pop().map_or_else(Vec::new, |mut root| {
            root.flush();
            root.blocks
        })
    }

    fn open(&mut self, tag: Tag<'_>) {
        let kind = match tag {
            Tag::Paragraph => Kind::Paragraph,
            Tag::Heading { level, .. } => Kind::Heading(depth_of(level)),
            Tag::CodeBlock(kind) => Kind::Code { language: language(&kind), text: String::new() },
            Tag::HtmlBlock => Kind::Html(String::new()),
            Tag::Table(_) => Kind::Table { head: Vec::new(), rows: Vec::new() },
            Tag::TableHead => Kind::Row { cells: Vec::new(), place: Place::Head },
            Tag::TableRow => Kind::Row { cells: Vec::new(), place: Place::Body },
            Tag::TableCell => Kind::Cell,
            // An item of a list that was flattened is flattened with it.
            Tag::Item if self.in_list() => Kind::Item { done: None },
            Tag::BlockQuote(_) if self.has_room() => Kind::Quote,
            Tag::List(start) if self.has_room() => Kind::List { start, items: Vec::new() },
            Tag::Strong if self.has_room() => Kind::Strong,
            Tag::Emphasis if self.has_room() => Kind::Emph,
            Tag::Strikethrough if self.has_room() => Kind::Strike,
            Tag::Link { link_type, dest_url, .. } if self.has_room() => {
                let target = decode(&dest_url);
                let target = if link_type == LinkType::Email { format!("mailto:{target}") } else { target };
                link(&target, "")
            }
            Tag::Image { dest_url, .. } if self.has_room() => link(&decode(&dest_url), "image"),
            _ => Kind::Flat(1),
        };
        if !kind.is_inline() && !self.in_text() {
            self.holder().flush();
        }
        self.depth += usize::from(kind.nests());
        match (kind, self.stack.last_mut()) {
            (Kind::Flat(_), Some(Frame { kind: Kind::Flat(many), .. })) => *many += 1,
            (kind, _) => {
                self.parts += 1;
                self.stack.push(Frame::new(kind));
            }
        }
    }

    fn close(&mut self, end: TagEnd) {
        // The parser's events are balanced, so the top frame is the one that ends.
        match self.stack.last_mut() {
            Some(Frame { kind: Kind::Flat(many), .. }) if *many > 1 => *many -= 1,
            // The root stays to the end.
            Some(Frame { kind: Kind::Root, .. }) | None => {}
            Some(_) => self.pop(),
        }
        if end == TagEnd::Item {
            self.holder().flush();
        }
    }

    fn pop(&mut self) {
        let Some(mut frame) = self.stack.pop() else { return };
        self.depth -= usize::from(frame.kind.nests());
        match frame.kind {
            Kind::Strong => self.wrap(frame.inlines, Inline::Strong),
            Kind::Emph => self.wrap(frame.inlines, Inline::Emph),
            Kind::Strike => self.wrap(frame.inlines, Inline::Strike),
            Kind::Link { url, instead } => self.link_text(frame.inlines, url, &instead),
            Kind::Flat(_) | Kind::Root => {}
            Kind::Paragraph => {
                frame.flush();
                self.blocks(frame.blocks);
            }
            Kind::Heading(level) => {
                let text = tidy(on_one_line(frame.inlines));
                if !text.is_empty() {
                    self.block(Block::Heading { level, text });
                }
            }
            Kind::Code { language, text } => {
                let text = decode(&text);
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                if !text.trim().is_empty() {
                    self.block(Block::Code { language, text });
                }
            }
            Kind::Html(text) => {
                let inlines = tidy(text_inlines(text.trim_end()));
                if !inlines.is_empty() {
                    self.block(Block::Paragraph(inlines));
                }
            }
            Kind::Quote => {
                frame.flush();
                if !frame.blocks.is_empty() {
                    self.block(Block::Quote(frame.blocks));
                }
            }
            Kind::Item { done } => {
                frame.flush();
                let blocks = frame.blocks;
                if let Kind::List { items, .. } = &mut self.holder().kind
                    && !blocks.is_empty()
                {
                    items.push(Item { done, blocks });
                }
            }
            Kind::List { start, items } => {
                if !items.is_empty() {
                    self.block(Block::List { start, items });
                }
            }
            Kind::Cell => {
                let cell = tidy(on_one_line(frame.inlines));
                if let Kind::Row { cells, .. } = &mut self.holder().kind {
                    cells.push(cell);
                }
            }
            Kind::Row { cells, place } => {
                if let Kind::Table { head, rows } = &mut self.holder().kind {
                    match place {
                        Place::Head => *head = cells,
                        Place::Body => rows.push(cells),
                    }
                }
            }
            Kind::Table { head, rows } => self.block(Block::Table { head, rows }),
        }
    }

    /// The innermost open frame that is kept.
    fn holder(&mut self) -> &mut Frame {
        let at = self.stack.iter().rposition(|frame| !matches!(frame.kind, Kind::Flat(_))).unwrap_or(0);
        &mut self.stack[at]
    }

    /// Whether the innermost kept frame holds text, not blocks.
    fn in_text(&mut self) -> bool {
        !matches!(self.holder().kind, Kind::Root | Kind::Quote | Kind::Item { .. } | Kind::List { .. })
    }

    fn in_list(&self) -> bool {
        self.stack.last().is_some_and(|frame| matches!(frame.kind, Kind::List { .. }))
    }

    fn has_room(&self) -> bool {
        self.depth < DEPTH_MAX
    }

    fn text(&mut self, text: &str) {
        match &mut self.holder().kind {
            Kind::Code { text: code, .. } | Kind::Html(code) => code.push_str(text),
            _ => {
                for inline in text_inlines(text) {
                    self.inline(inline);
                }
            }
        }
    }

    fn inline(&mut self, inline: Inline) {
        self.parts += 1;
        self.holder().inlines.push(inline);
    }

    fn wrap(&mut self, inlines: Vec<Inline>, wrap: fn(Vec<Inline>) -> Inline) {
        let inlines = join(inlines);
        if inlines.iter().all(is_blank) {
            inlines.into_iter().for_each(|inline| self.inline(inline));
        } else {
            self.inline(wrap(inlines));
        }
    }

    fn link_text(&mut self, inlines: Vec<Inline>, url: Option<String>, instead: &str) {
        let mut text = join(inlines);
        let Some(url) = url else {
            text.into_iter().for_each(|inline| self.inline(inline));
            return;
        };
        if text.iter().all(is_blank) {
            let shown = if instead.is_empty() { url.clone() } else { instead.to_owned() };
            text = vec![Inline::Text(shown)];
        }
        // A link within a link, as of an image: the outer one has the say.
        let text = text.into_iter().flat_map(|inline| match inline {
            Inline::Link { text, .. } => text,
            other => vec![other],
        });
        let text = text.collect();
        self.inline(Inline::Link { url, text });
    }

    fn block(&mut self, block: Block) {
        let holder = self.holder();
        holder.flush();
        holder.blocks.push(block);
    }

    fn blocks(&mut self, blocks: Vec<Block>) {
        blocks.into_iter().for_each(|block| self.block(block));
    }
}

fn link(target: &str, instead: &str) -> Kind {
    Kind::Link { url: address(target), instead: instead.to_owned() }
}

fn depth_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    let info = decode(info);
    let word = info.split(|c: char| c.is_whitespace() || c == ',').next()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.');
    let known = !word.is_empty() && word.len() <= LANGUAGE_BYTES_MAX && word.chars().all(fits);
    known.then(|| word.to_owned())
}
