//! What is no filter is refused where it stands.

use super::Filter;

/// A filter, what of it is pointed at, and a part of what is said.
#[test]
fn what_is_not_part_of_filters_is_pointed_at() {
    for (filter, blamed, message) in [
        ("def f: 1; f", "def", "'def' is not part of filters; pipe into jq"),
        (".. == 1", "..", "'..' is not part of filters"),
        ("recurse", "recurse", "'recurse' is not part of filters"),
        ("reduce .[] as $x (0; . + $x)", "reduce", "not part"),
        ("foreach .[] as $x (0; 1)", "foreach", "not part"),
        ("range(5)", "range", "not part"),
        ("if . then 1 else 2 end", "if", "not part"),
        ("try .a", "try", "not part"),
        (".a as $x | $x", "as", "not part"),
        (". | input", "input", "not part"),
        ("env.HOME", "env", "not part"),
        ("$ENV.HOME", "$ENV", "'$ENV' is not part"),
        ("import \"a\" as a; 1", "import", "not part"),
        (".a = 1", "=", "'=' is not part"),
        (".a |= 1", "|=", "not part"),
        (".a //= 1", "//=", "not part"),
        ("@base64", "@base64", "not part"),
        ("label $x | 1", "label", "not part"),
        (".a ?// 1", "?//", "not part"),
        ("map(.a)", "map", "not part"),
        ("split(\"a\"; \"g\")", "split", "'split/2' is not part"),
        ("length(1)", "length", "'length/1' is not part"),
        ("contains", "contains", "'contains/0' is not part"),
        ("a::b", "a::b", "'a::b' is not part"),
        ("test(\"a++\")", "test", "the regular expression 'a++' is not part"),
        ("test(\"a\"; \"z\")", "test", "'z' is no flag"),
        ("$nobody", "$nobody", "no variable '$nobody'"),
    ] {
        let problem = Filter::parse(filter, &[]).map(drop).unwrap_err();
        assert_eq!(&filter[problem.span.clone()], blamed, "{filter}: {problem:?}");
        assert!(problem.message.contains(message), "{filter}: {problem:?}");
    }
}

#[test]
fn what_is_no_jq_is_pointed_at_too() {
    for (filter, at, message) in [
        ("", 0, "expected an expression, found the end of the filter"),
        (".a ==", 5, "found the end"),
        (".a == == 1", 6, "expected an expression, found '=='"),
        ("1 == 1 == 1", 7, "do not chain"),
        ("(1", 2, "expected ')'"),
        ("[1", 2, "expected ']'"),
        ("{a:1", 4, "expected ',' or '}'"),
        ("{a: 1 + 2}", 6, "parentheses"),
        ("{1:2}", 1, "a member's name"),
        ("{a:1,}", 5, "a member"),
        (".a.", 3, "a member's name after '.'"),
        (". a", 2, "right after '.'"),
        (".a .b .", 7, "after '.'"),
        ("1?.b", 2, "an operator or the end"),
        ("'a'", 0, "double quotes"),
        ("\"abc", 0, "no closing quote"),
        ("\"\\x\"", 1, "unknown escape"),
        ("\"\\ud800x\"", 1, "surrogate"),
        ("\"\\(1\"", 4, "expected ')', found a string"),
        ("1 2", 2, "found '2'"),
        (".[]]", 3, "found ']'"),
        ("and", 0, "found 'and'"),
        ("any()", 4, "an expression"),
        ("any(1;)", 6, "an expression"),
        ("é", 0, "unexpected 'é'"),
        ("\"\\(1;2)\"", 4, "expected ')'"),
        ("+1", 0, "an expression"),
    ] {
        let problem = Filter::parse(filter, &[]).map(drop).unwrap_err();
        assert_eq!(problem.span.start, at, "{filter}: {problem:?}");
        assert!(problem.message.contains(message), "{filter}: {problem:?}");
    }
}
