//! An HTTP exchange that gave no answer.

/// Why an HTTP exchange gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The far side cannot have seen the request: no connection was made.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The far side may have seen it: the connection broke or time ran out after writing began.
    #[error("no answer: {0}")]
    Unknown(String),
}

impl Lost {
    /// `why`, which [`Lost`] may have given, without what only a technician reads of it;
    /// `who` is the far side.
    #[must_use]
    pub fn in_plain_words(why: &str, who: &str) -> String {
        let (before, last) = match why.split_once(": ") {
            Some((given_up, last)) if given_up.starts_with("given up after ") => (format!("{given_up}: "), last),
            _ => (String::new(), why),
        };
        let said = if last.starts_with("not sent: ") {
            format!("{who} cannot be reached")
        } else if last.starts_with("no answer") {
            format!("{who} did not answer")
        } else {
            return why.to_owned();
        };
        before + &said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_that_nobody_answered_and_not_how_the_machine_noticed() {
        let plain = |why: &str| Lost::in_plain_words(why, "Jira");
        let refused = Lost::NotSent("error sending request: tcp connect error: Connection refused".to_owned());
        assert_eq!(plain(&refused.to_string()), "Jira cannot be reached");
        assert_eq!(
            plain(&Lost::Unknown("timed out: operation timed out".to_owned()).to_string()),
            "Jira did not answer"
        );
        assert_eq!(plain("no answer to the search: connection reset"), "Jira did not answer");
        assert_eq!(
            plain(&format!("given up after 47 attempts in 72 h: {refused}")),
            "given up after 47 attempts in 72 h: Jira cannot be reached"
        );
        for own in ["Jira answered 503: not sent: no", "given up after 3 attempts in 72 h: Jira answered 503", ""] {
            assert_eq!(plain(own), own);
        }
    }
}
