//! The name that a misspelled word is closest to.

/// The nearest flag to one, if one is close; all without their dashes.
pub(crate) fn nearest_flag<'a>(flags: impl Iterator<Item = &'a str>, flag: &str) -> Option<&'a str> {
    is_short(flag).then(|| nearest(flag, flags, |name| 1 + name.len() / 5)).flatten()
}

/// Whether a word may be a misspelled name: longer words are not compared, because that takes time.
pub(super) fn is_short(word: &str) -> bool {
    const LONGEST: usize = 40;
    word.len() <= LONGEST
}

/// The name nearest to a word, if its distance is at most what `most` allows for that name.
pub(super) fn nearest<N: AsRef<str> + Ord>(
    word: &str,
    names: impl IntoIterator<Item = N>,
    most: impl Fn(&str) -> usize,
) -> Option<N> {
    let word = word.to_ascii_lowercase();
    let by_distance = names.into_iter().map(|name| (strsim::damerau_levenshtein(&word, name.as_ref()), name));
    by_distance
        .filter(|(distance, name)| *distance <= most(name.as_ref()) && *distance < name.as_ref().len())
        .min()
        .map(|(_, name)| name)
}
