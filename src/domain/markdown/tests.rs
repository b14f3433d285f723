use super::literal::{decode, encode};
use super::*;
use crate::domain::message::Item;

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn paragraph(inlines: Vec<Inline>) -> Vec<Block> {
    vec![Block::Paragraph(inlines)]
}

#[test]
fn markup_becomes_blocks() {
    let blocks = parse(
        "# Title\n\nA *b* **c** ~~d~~ `e`\nnext [f](https://x.example/a?b=1)\n\n1. one\n2. [x] two\n\n> q\n\n---\n\n```rust\nfn a() {}\n```\n\n|h|\n|-|\n|c|\n",
    );
    assert_eq!(
        blocks,
        vec![
            Block::Heading { level: 1, text: vec![text("Title")] },
            Block::Paragraph(vec![
                text("A "),
                Inline::Emph(vec![text("b")]),
                text(" "),
                Inline::Strong(vec![text("c")]),
                text(" "),
                Inline::Strike(vec![text("d")]),
                text(" "),
                Inline::Code("e".to_owned()),
                Inline::Break,
                text("next "),
                Inline::Link { url: "https://x.example/a?b=1".to_owned(), text: vec![text("f")] },
            ]),
            Block::List {
                start: Some(1),
                items: vec![
                    Item { done: None, blocks: paragraph(vec![text("one")]) },
                    Item { done: Some(true), blocks: paragraph(vec![text("two")]) },
                ],
            },
            Block::Quote(paragraph(vec![text("q")])),
            Block::Rule,
            Block::Code { language: Some("rust".to_owned()), text: "fn a() {}".to_owned() },
            Block::Table { head: vec![vec![text("h")]], rows: vec![vec![vec![text("c")]]] },
        ]
    );
}

#[test]
fn what_acts_on_a_reader_becomes_text() {
    assert_eq!(parse("<script>alert(1)</script>"), paragraph(vec![text("<script>alert(1)</script>")]));
    assert_eq!(parse("a <b>x</b> &lt;"), paragraph(vec![text("a <b>x</b> <")]));
    assert_eq!(parse("[x](javascript:alert(1))"), paragraph(vec![text("x")]));
    assert_eq!(parse("[x](file:///etc/passwd) [](data:x)"), paragraph(vec![text("x ")]));
    assert_eq!(
        parse("![shot](https://x.example/s.png)"),
        paragraph(vec![Inline::Link { url: "https://x.example/s.png".to_owned(), text: vec![text("shot")] }])
    );
    assert_eq!(
        parse("[![](https://x.example/s.png)](https://y.example/)"),
        paragraph(vec![Inline::Link { url: "https://y.example/".to_owned(), text: vec![text("image")] }])
    );
    assert_eq!(
        parse("<qa@x.example>"),
        paragraph(vec![Inline::Link { url: "mailto:qa@x.example".to_owned(), text: vec![text("qa@x.example")] }])
    );
}

#[test]
fn literals_are_seen_by_no_syntax() {
    for value in [
        "**x**",
        "# x",
        "- x",
        "1. x",
        "> x",
        "```",
        "<!channel>",
        "[a](http://b)",
        "|",
        "\\*",
        "&amp;",
        "a\tb",
        "𝕏😀",
        " x ",
    ] {
        assert_eq!(decode(&encode(value)), value);
        assert_eq!(parse(&encode(value)), paragraph(vec![text(value)]), "{value:?}");
    }
    let both = format!("**{}** `{}`", encode("*a*"), encode("`b\nc`"));
    assert_eq!(
        parse(&both),
        paragraph(vec![Inline::Strong(vec![text("*a*")]), text(" "), Inline::Code("`b c`".to_owned())])
    );
    let code = format!("```{}\n{}\n```", encode("ja va"), encode("a\n\n\n\n```\nb"));
    assert_eq!(parse(&code), vec![Block::Code { language: Some("ja".to_owned()), text: "a\n\n\n\n```\nb".to_owned() }]);
    let link = format!("[{}]({})", encode("](x)"), encode("https://x.example/a) b"));
    assert_eq!(parse(&link), paragraph(vec![text("](x)")]), "an address has no blanks");
    let link = format!("[{}]({})", encode("](x)"), encode("https://x.example/a)"));
    assert_eq!(
        parse(&link),
        paragraph(vec![Inline::Link { url: "https://x.example/a)".to_owned(), text: vec![text("](x)")] }])
    );
}

#[test]
fn an_empty_literal_leaves_nothing_behind() {
    assert_eq!(parse(&format!("**{0}**\n\n- {0}\n\n`{0}`\n\n> {0}\n\n# {0}", encode(""))), vec![]);
    assert_eq!(parse(&format!("a **{}** b", encode(""))), paragraph(vec![text("a  b")]));
}

#[test]
fn lines_of_a_literal_stay_lines_and_blank_runs_shrink() {
    assert_eq!(
        parse(&encode("\r\n\na\r\nb\n\n\n\nc\u{0}\u{7}\n")),
        paragraph(vec![text("a"), Inline::Break, text("b"), Inline::Break, Inline::Break, text("c"),])
    );
    let cell = format!("|h|\n|-|\n|{}|\n", encode("a|b\nc"));
    assert_eq!(parse(&cell), vec![Block::Table { head: vec![vec![text("h")]], rows: vec![vec![vec![text("a|b c")]]] }]);
}

#[test]
fn depth_and_size_are_bounded() {
    fn depth(block: &Block) -> usize {
        match block {
            Block::Quote(blocks) => 1 + blocks.iter().map(depth).max().unwrap_or(0),
            Block::List { items, .. } => 1 + items.iter().flat_map(|item| &item.blocks).map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    for deep in [">".repeat(5_000) + " x", "- ".repeat(5_000) + "x", "1. ".repeat(3_000) + "x"] {
        let blocks = parse(&deep);
        assert_eq!(blocks.iter().map(depth).max(), Some(DEPTH_MAX));
        assert!(format!("{blocks:?}").contains("\"x\""));
    }
    // The slowest inputs known, at the full size.
    for slow in [">", "- ", "* a ", "[", "![", "`", "<", "**a", "[a](", "a\n> ", "|a\n", "&", "~~", "1. "] {
        let blocks = parse(&slow.repeat(MARKDOWN_BYTES_MAX / slow.len()));
        assert!(format!("{blocks:?}").len() < 64 * MARKDOWN_BYTES_MAX);
    }
    for deep in ["*a ".repeat(3_000) + &"b*".repeat(3_000), "[".repeat(9_000), "![](".repeat(5_000)] {
        assert!(!parse(&deep).is_empty());
    }
    let long = parse(&"a\n\n".repeat(100_000));
    assert_eq!(long.last(), Some(&Block::Paragraph(vec![text(SHORTENED)])));
    assert!(long.len() <= PARTS_MAX);
}
