//! Merges two versions of a value that have a base in common, member by member.

use std::borrow::Cow;
use std::collections::HashMap;

use super::edit::check_length;
use super::equal::is_equal;
use super::walk::{MemberText, is_object, members};
use crate::error::Result;

/// Whose version is taken where both have changed the same part in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// A part that both sides have changed in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// Where it is, as a JSON Pointer; empty for the whole value.
    pub(crate) pointer: String,
    /// What it is on our side; `None` if it was removed there.
    pub(crate) ours: Option<String>,
    pub(crate) theirs: Option<String>,
}

/// A merged value, and what was in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergedText {
    pub(crate) text: String,
    pub(crate) clashes: Vec<Clash>,
}

/// Merges two checked texts. Objects are merged by member, also without a base in common; everything else is one part. What
/// only one side has changed is taken from that side byte for byte, and members keep our order, theirs after them.
pub(crate) fn three_way(base: Option<&str>, ours: &str, theirs: &str, prefer: Side) -> Result<MergedText> {
    let mut merge = ThreeWay { prefer, pointer: String::new(), clashes: Vec::new() };
    let text = merge.part(base, Some(ours), Some(theirs)).unwrap_or_default().into_owned();
    check_length(text.len())?;
    Ok(MergedText { text, clashes: merge.clashes })
}

/// Decides between versions that differ by what is the same: the one to take, or `None` if both have changed.
pub(crate) fn unchanged_side<T>(
    base: &T,
    ours: &T,
    theirs: &T,
    mut is_same: impl FnMut(&T, &T) -> bool,
) -> Option<Side> {
    if is_same(ours, theirs) || is_same(base, theirs) {
        Some(Side::Ours)
    } else if is_same(base, ours) {
        Some(Side::Theirs)
    } else {
        None
    }
}

struct ThreeWay {
    prefer: Side,
    /// The part that is being merged.
    pointer: String,
    clashes: Vec<Clash>,
}

impl ThreeWay {
    /// Nesting ends at its limit, so recursion does too.
    fn part<'t>(
        &mut self,
        base: Option<&'t str>,
        ours: Option<&'t str>,
        theirs: Option<&'t str>,
    ) -> Option<Cow<'t, str>> {
        let take = |side| match side {
            Side::Ours => ours.map(Cow::Borrowed),
            Side::Theirs => theirs.map(Cow::Borrowed),
        };
        if let Some(side) = unchanged_side(&base, &ours, &theirs, |a, b| a == b) {
            return take(side);
        }
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && is_object(ours)
            && is_object(theirs)
        {
            return Some(Cow::Owned(self.object(base.unwrap_or_default(), ours, theirs)));
        }
        let means_same = |a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) => is_equal(a, b),
            (a, b) => a == b,
        };
        if let Some(side) = unchanged_side(&base, &ours, &theirs, |a, b| means_same(*a, *b)) {
            return take(side);
        }
        let pointer = self.pointer.clone();
        self.clashes.push(Clash { pointer, ours: ours.map(str::to_owned), theirs: theirs.map(str::to_owned) });
        take(self.prefer)
    }

    fn object(&mut self, base: &str, ours: &str, theirs: &str) -> String {
        let [base, ours, theirs] = [base, ours, theirs].map(members);
        let [in_base, in_ours, in_theirs] = [&base, &ours, &theirs].map(|members| by_name(members));
        let mut out = String::from("{");
        let only_theirs = theirs.iter().filter(|member| !in_ours.contains_key(&*member.name));
        for MemberText { name, raw_name, .. } in ours.iter().chain(only_theirs) {
            let outer = self.pointer.len();
            self.pointer.push('/');
            self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            let [base, ours, theirs] = [&in_base, &in_ours, &in_theirs].map(|members| members.get(&**name).copied());
            if let Some(value) = self.part(base, ours, theirs) {
                out.push_str(if out.len() > 1 { "," } else { "" });
                out.push_str(raw_name);
                out.push(':');
                out.push_str(&value);
            }
            self.pointer.truncate(outer);
        }
        out.push('}');
        out
    }
}

fn by_name<'m>(members: &'m [MemberText<'_>]) -> HashMap<&'m str, &'m str> {
    members.iter().map(|member| (&*member.name, member.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(base: &str, ours: &str, theirs: &str) -> (String, Vec<String>) {
        let merged = three_way(Some(base).filter(|base| !base.is_empty()), ours, theirs, Side::Ours).unwrap();
        (merged.text, merged.clashes.into_iter().map(|clash| clash.pointer).collect())
    }

    #[test]
    fn members_that_one_side_has_changed_are_taken_from_it_byte_for_byte() {
        for (base, ours, theirs, wanted) in [
            (r#"{"a":1.10,"b":2}"#, r#"{"a":1.10,"b":3}"#, r#"{"a":1.1,"b":2}"#, r#"{"a":1.1,"b":3}"#),
            (r#"{"a":1}"#, r#"{"a":1,"c":1e400}"#, r#"{"d":-0,"a":1}"#, r#"{"a":1,"c":1e400,"d":-0}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2}"#, r#"{"a":1,"b":{"c":[]}}"#, r#"{"b":{"c":[]}}"#),
            (r#"{"a":{"x":1,"y":1}}"#, r#"{"a":{"x":2,"y":1}}"#, r#"{"a":{"x":1}}"#, r#"{"a":{"x":2}}"#),
            (r#"{"\u0061/~":1,"b":1}"#, r#"{"\u0061/~":1,"b":2}"#, r#"{"a/~":3,"b":1}"#, r#"{"\u0061/~":3,"b":2}"#),
            // The same change on both sides, however it is written.
            ("1", "2", "2.0", "2"),
            (r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, r#"{"a":[1,2]}"#, r#"{"a":[1,2]}"#),
            ("[1]", "{}", "{}", "{}"),
            // Without a base in common.
            ("", r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
            ("[1]", r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
        ] {
            assert_eq!(merge(base, ours, theirs), (wanted.to_owned(), vec![]), "{base} {ours} {theirs}");
        }
    }

    #[test]
    fn what_both_have_changed_is_told_by_its_pointer_and_one_side_is_kept() {
        for (base, ours, theirs, pointer, kept, other) in [
            (
                r#"{"a/b":{"~":1}}"#,
                r#"{"a/b":{"~":2}}"#,
                r#"{"a/b":{"~":3}}"#,
                "/a~1b/~0",
                r#"{"a/b":{"~":2}}"#,
                r#"{"a/b":{"~":3}}"#,
            ),
            (r#"{"a":1}"#, "{}", r#"{"a":2}"#, "/a", "{}", r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":2}"#, "{}", "/a", r#"{"a":2}"#, "{}"),
            ("", r#"{"a":1}"#, r#"{"a":2}"#, "/a", r#"{"a":1}"#, r#"{"a":2}"#),
            ("[1]", "[1,2]", "[1,3]", "", "[1,2]", "[1,3]"),
            ("1", "2", "{}", "", "2", "{}"),
        ] {
            assert_eq!(
                merge(base, ours, theirs),
                (kept.to_owned(), vec![pointer.to_owned()]),
                "{base} {ours} {theirs}"
            );
            let theirs = three_way(Some(base).filter(|base| !base.is_empty()), ours, theirs, Side::Theirs).unwrap();
            assert_eq!(theirs.text, other);
        }
    }
}
