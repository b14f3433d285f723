//! Markdown, parsed into the blocks of a message.
