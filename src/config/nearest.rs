//! The nearest known name to a mistyped one.

/// How alike two words must be (Jaro–Winkler) to be taken for one another.
const LIKENESS_MIN: f64 = 0.85;

/// How many slips (Damerau–Levenshtein) may separate them otherwise.
const SLIPS_MAX: usize = 2;

/// The known name that `word` most likely means, if any is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    known
        .into_iter()
        .filter_map(|name| {
            let folded = name.to_lowercase();
            let likeness = strsim::jaro_winkler(&word, &folded);
            let slips = strsim::damerau_levenshtein(&word, &folded);
            let near = likeness >= LIKENESS_MIN || (slips <= SLIPS_MAX && slips * 2 <= letters);
            near.then_some((name, likeness))
        })
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(name, _)| name)
}

/// The known name that is `word` but for a slip or two of the fingers.
pub fn slip_of<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let slips = |name: &str| strsim::damerau_levenshtein(&word, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (slips(name), name))
        .filter(|(slips, _)| *slips <= SLIPS_MAX)
        .min()
        .map(|(_, name)| name)
}

/// `, did you mean 'severity'?` when a known name is near; otherwise nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}

/// `one, two or three`.
pub fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_keyboard_are_found_and_other_words_are_not() {
        let known = ["severity", "name", "to", "when", "at_least"];
        assert_eq!(nearest("sevrity", known), Some("severity"));
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("Severity", known), Some("severity"));
        assert_eq!(nearest("atleast", known), Some("at_least"));
        assert_eq!(nearest("is", known), None);
        assert_eq!(nearest("colour", known), None);
    }
}
