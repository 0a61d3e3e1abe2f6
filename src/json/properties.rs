//! For every document and every part of it: what is not named stays as it was, byte for byte.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::equal::is_equal;
use super::pointer::JsonPointer;
use super::walk::{items, members};
use super::{MAX_DEPTH, PutMode, Scanner, depth, merged, part, patched, put, remove, write_string};

/// Stands nowhere in a document.
const MARK: &str = "\"@@\"";

/// Documents with everything that is easily lost: digits, escapes, order, empty names.
fn document() -> impl Strategy<Value = String> {
    let plain = [
        "1.10",
        "-0",
        "1e400",
        "18446744073709551616",
        "null",
        "true",
        "[]",
        "{}",
        r#""\u0041\/é""#,
        r#""}]{[,:\"\\""#,
        "\"\"",
    ];
    let names: Vec<&str> =
        vec!["\"b\"", "\"a\"", r#""\u0063""#, "\"x/y\"", "\"m~n\"", "\"\"", "\"0\"", "\"-\"", r#""\"""#];
    select(plain.to_vec()).prop_map(str::to_owned).prop_recursive(4, 32, 5, move |inner| {
        let array = prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        let object = (subsequence(names.clone(), 0..5).prop_shuffle(), prop::collection::vec(inner, 5));
        let object = object.prop_map(|(names, values)| {
            let members = names.iter().zip(values).map(|(name, value)| format!("{name}:{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        prop_oneof![array, object]
    })
}

/// The pointers to all parts, the whole first.
fn pointers(text: &str, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    for member in members(text) {
        let name = member.name.replace('~', "~0").replace('/', "~1");
        pointers(member.value, &format!("{here}/{name}"), all);
    }
    for (at, item) in (0..).zip(items(text).unwrap_or_default()) {
        let at: usize = at;
        pointers(item, &format!("{here}/{at}"), all);
    }
}

fn any_part() -> impl Strategy<Value = (String, String)> {
    (document(), any::<Index>()).prop_map(|(text, which)| {
        let mut all = Vec::new();
        pointers(&text, "", &mut all);
        let pointer = which.get(&all).clone();
        (text, pointer)
    })
}

fn with(text: &str, pointer: &JsonPointer, value: &str, how: PutMode) -> String {
    let mut text = text.to_owned();
    put(&mut text, pointer, value, how).unwrap();
    text
}

fn is_valid(text: &str) -> bool {
    let mut scanner = Scanner::new(text.as_bytes());
    let mut out = String::new();
    scanner.value(&mut out).is_ok() && scanner.end().is_ok() && out == text
}

proptest! {
    #[test]
    fn setting_a_part_changes_its_bytes_and_no_other((text, pointer) in any_part(), value in document()) {
        let pointer = JsonPointer::parse(&pointer).unwrap();
        let old = part(&text, &pointer).unwrap();
        let marked = with(&text, &pointer, MARK, PutMode::Set);
        prop_assert_eq!(marked.replacen(MARK, old, 1), text.as_str());
        let changed = with(&text, &pointer, &value, PutMode::Set);
        prop_assert_eq!(&changed, &marked.replacen(MARK, &value, 1));
        prop_assert!(is_valid(&changed));
        prop_assert_eq!(part(&changed, &pointer), Some(&value[..]));
    }

    #[test]
    fn removing_a_part_leaves_its_neighbors((text, pointer) in any_part()) {
        let whole = JsonPointer::parse(&pointer).unwrap();
        let mut changed = text.clone();
        let Some(last) = pointer.rfind('/') else {
            prop_assert!(remove(&mut changed, &whole).is_err());
            return Ok(());
        };
        let removed = remove(&mut changed, &whole).unwrap().unwrap();
        prop_assert_eq!(Some(&removed[..]), part(&text, &whole));
        prop_assert!(is_valid(&changed));
        let outer = JsonPointer::parse(&pointer[..last]).unwrap();
        prop_assert_eq!(with(&changed, &outer, MARK, PutMode::Set), with(&text, &outer, MARK, PutMode::Set));
        let (before, after) = (part(&text, &outer).unwrap(), part(&changed, &outer).unwrap());
        if before.starts_with('[') {
            prop_assert_eq!(with(&changed, &whole, &removed, PutMode::Add), text.as_str());
        } else {
            let gone = whole.tokens().last().unwrap();
            let rest = |text| members(text).iter().map(|member| (member.raw_name.to_owned(), member.value.to_owned())).collect::<Vec<_>>();
            let mut expected = rest(before);
            let at = members(before).iter().position(|member| member.name == gone.as_str()).unwrap();
            expected.remove(at);
            prop_assert_eq!(rest(after), expected);
        }
    }

    #[test]
    fn a_new_member_comes_last_and_parents_are_made((text, pointer) in any_part(), names in prop::collection::vec("[a-z@]{3}", 1..5)) {
        let outer = JsonPointer::parse(&pointer).unwrap();
        let inner = JsonPointer::parse(&format!("{pointer}/{}", names.join("/"))).unwrap();
        let container = part(&text, &outer).unwrap();
        let mut changed = text.clone();
        let done = put(&mut changed, &inner, MARK, PutMode::SetWithParents);
        prop_assert_eq!(done.is_ok(), container.starts_with('{'));
        if done.is_err() {
            prop_assert_eq!(changed, text);
            return Ok(());
        }
        prop_assert!(is_valid(&changed));
        prop_assert_eq!(part(&changed, &inner), Some(MARK));
        let open = container.trim_end_matches('}').len().max(1);
        prop_assert!(part(&changed, &outer).unwrap().starts_with(&container[..open]));
        let first = JsonPointer::parse(&format!("{pointer}/{}", names[0])).unwrap();
        remove(&mut changed, &first).unwrap();
        prop_assert_eq!(changed, text);
    }

    #[test]
    fn a_merge_changes_what_it_names(text in document(), patch in document()) {
        let result = merged(Some(&text), &patch).unwrap();
        prop_assert!(is_valid(&result));
        let (before, after, changes) = (members(&text), members(&result), members(&patch));
        let is_named = |name: &str| changes.iter().any(|change| change.name == name);
        if patch.starts_with('{') {
            let rest = |members: &[super::walk::MemberText<'_>]| {
                let unnamed = members.iter().filter(|member| !is_named(&member.name));
                unnamed.map(|member| (member.raw_name.to_owned(), member.value.to_owned())).collect::<Vec<_>>()
            };
            prop_assert_eq!(rest(&before), rest(&after));
            for change in &changes {
                prop_assert_eq!(change.value == "null", !after.iter().any(|member| member.name == change.name));
            }
        } else {
            prop_assert_eq!(result, patch);
        }
    }

    #[test]
    fn a_patch_of_any_parts_keeps_the_document_valid((text, from) in any_part(), to in "(/[-0abx]{0,1}){0,3}", op in select(vec!["move", "copy"])) {
        let mut operation = format!(r#"[{{"op":"{op}","from":"#);
        write_string(&mut operation, &from);
        operation.push_str(",\"path\":");
        write_string(&mut operation, &to);
        operation.push_str("}]");
        if let Ok(changed) = patched(&text, &operation) {
            prop_assert!(is_valid(&changed), "{}", changed);
            prop_assert!(depth(&changed) <= MAX_DEPTH);
            let value = part(&text, &JsonPointer::parse(&from).unwrap()).unwrap();
            prop_assert!(changed.contains(value));
        }
    }

    #[test]
    fn a_document_equals_itself_with_its_members_in_another_order(text in document()) {
        let mut turned: Vec<String> = members(&text).iter().map(|member| format!("{}:{}", member.raw_name, member.value)).collect();
        turned.reverse();
        let turned = if text.starts_with('{') { format!("{{{}}}", turned.join(",")) } else { text.clone() };
        prop_assert!(is_equal(&text, &turned));
        let in_array = format!("[{text}]");
        prop_assert!(!is_equal(&text, &in_array));
    }
}
