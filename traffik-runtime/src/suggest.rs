//! The nearest of a few known words to one that is none of them: what "did you mean" says.

/// The candidate that `word` was most likely meant to be, or `None` when none is near.
///
/// Upper and lower case count as equal. One slip (a letter too many, too few, wrong, or two
/// swapped) is forgiven for every three letters of the word, so words of one or two letters must
/// match but for their case. Of equally near candidates the first is taken.
///
/// ```
/// use traffik_runtime::suggest::nearest;
///
/// let strategies = ["fixed_window", "token_bucket", "gcra"];
/// assert_eq!(nearest("tokn_bukcet", strategies), Some("token_bucket"));
/// assert_eq!(nearest("GCRA", strategies), Some("gcra"));
/// assert_eq!(nearest("bucket", strategies), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let slips = length / 3;
    candidates
        .into_iter()
        // Also what keeps a word of any length cheap: only candidates of about that length are
        // compared.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= slips)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn forgives_one_slip_in_three_letters() {
        let words = ["burst", "debt"];
        for near in ["brust", "burs", "bursts", "bust", "BURST", "Burzt"] {
            assert_eq!(nearest(near, words), Some("burst"), "{near}");
        }
        for far in ["", "b", "bu", "bzrzt", "cost", "bursting"] {
            assert_eq!(nearest(far, words), None, "{far}");
        }
    }

    #[test]
    fn short_words_match_but_for_their_case() {
        assert_eq!(nearest("IP", ["ip"]), Some("ip"));
        assert_eq!(nearest("id", ["ip"]), None);
    }

    #[test]
    fn takes_the_nearest_and_of_equals_the_first() {
        assert_eq!(nearest("minutse", ["minute", "minutes"]), Some("minute"));
        assert_eq!(nearest("minutess", ["minute", "minutes"]), Some("minutes"));
    }

    #[test]
    fn a_very_long_word_is_near_to_nothing() {
        assert_eq!(nearest(&"x".repeat(1_000_000), ["burst"]), None);
    }
}
