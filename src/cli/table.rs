//! Plain tables for terminals.

use crate::domain::characters;

/// Lays `rows` out under `head` in columns as wide as their widest cell; the last column
/// is not padded.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    laid_out(head.iter().map(|cell| characters::width(cell)).collect(), Some(head), rows)
}

/// The same without a head, for rows of the same length.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    laid_out(vec![0; rows.first().map_or(0, Vec::len)], None, rows)
}

fn laid_out(mut widths: Vec<usize>, head: Option<&[&str]>, rows: &[Vec<String>]) -> String {
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(characters::width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - characters::width(cell))))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = head.iter().map(|head| line(&mut head.iter().copied())).collect();
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up_without_trailing_spaces() {
        let rows = vec![vec!["a".to_owned(), "long value".to_owned()], vec!["wide cell".to_owned(), "b".to_owned()]];
        assert_eq!(table(&["ID", "VALUE"], &rows), "ID         VALUE\na          long value\nwide cell  b");
    }
}
