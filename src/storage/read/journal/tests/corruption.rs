//! Journals that were truncated, flipped, or overwritten.

use super::*;

#[test]
fn every_cut_leaves_the_commits_before_it() {
    let sample = Sample::new();
    let (all, _) = read(&sample.bytes).unwrap();
    for cut in 0..=sample.bytes.len() {
        let (changes, replayed) = read(&sample.bytes[..cut]).unwrap();
        let good = *sample.ends.iter().rfind(|&&end| end <= cut).unwrap();
        assert_eq!((replayed.good, replayed.torn), (good, cut - good));
        assert_eq!(changes[..], all[..changes.len()]);
        assert_eq!(changes.len(), all.iter().filter(|&&(n, ..)| n <= replayed.n).count());
        assert_find_fits(&sample.bytes[..cut], KEYS, &[]);
    }
}

#[test]
fn every_flipped_bit_leaves_an_earlier_state_or_is_corruption() {
    let sample = Sample::new();
    let states = sample.states();
    let mut bytes = sample.bytes.clone();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        match read(&bytes) {
            Ok((changes, replayed)) => {
                let at = sample.ends.iter().position(|&end| end == replayed.good).unwrap();
                assert_eq!(state(changes), states[at]);
                assert_eq!(replayed.good, sample.last(), "only of the last append it is not known");
                assert!(bit / 8 >= sample.last());
            }
            Err(damage) => {
                assert!(bit / 8 < sample.last());
                let line = memchr::memchr_iter(b'\n', &sample.bytes[..bit / 8]).count() + 1;
                assert_eq!((damage.line, damage.newer), (line as u64, false));
                assert!(damage.at <= bit / 8 && (1..sample.lines().len() as u64).contains(&damage.good_after));
            }
        }
        if bit % 8 == bit / 8 % 8 {
            assert_find_fits(&bytes, KEYS, &states);
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_line_that_is_dropped_doubled_or_in_another_place_never_makes_another_state() {
    let sample = Sample::new();
    let states = sample.states();
    let lines = sample.lines();
    let last = memchr::memchr_iter(b'\n', &sample.bytes[..sample.last()]).count();
    let is_fold = |line: usize| lines[line].starts_with(b"{\"fold\"");
    let starts: Vec<usize> = (0..lines.len()).map(|line| lines[..line].concat().len()).collect();
    let commit_of = |line: usize| sample.ends.iter().filter(|&&end| end <= starts[line]).count();
    let is_end = |line: usize| line + 1 == lines.len() || commit_of(line) != commit_of(line + 1);
    let check = |what: &str, line: usize, bytes: &[u8]| {
        assert_find_fits(bytes, KEYS, &states);
        let read = read(bytes).map(|(changes, replayed)| (state(changes), replayed.n));
        if is_fold(line) {
            assert_eq!(&read.unwrap().0, states.last().unwrap(), "{what} {line}");
        } else if line < last {
            assert!(read.is_err(), "{what} {line}: {read:?}");
        } else if let Ok((state, _)) = read {
            assert_eq!(state, states[states.len() - 2], "{what} {line}");
        }
    };
    for line in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(line);
        check("dropped", line, &dropped.concat());
        let mut doubled = lines.clone();
        doubled.insert(line, lines[line]);
        check("doubled", line, &doubled.concat());
    }
    for (a, b) in (0..lines.len()).flat_map(|a| (0..a).map(move |b| (b, a))) {
        let mut swapped = lines.clone();
        swapped.swap(a, b);
        if let Ok((changes, replayed)) = read(&swapped.concat()) {
            let whole = replayed.torn == 0;
            let wanted = if whole { states.last().unwrap() } else { &states[states.len() - 2] };
            assert_eq!(&state(changes), wanted, "{a} and {b}");
            let of_one_commit = commit_of(a) == commit_of(b) && ![a, b].map(is_end).contains(&true);
            assert!(of_one_commit || is_fold(a) || is_fold(b) || a >= last, "{a} and {b}");
        }
    }
}

#[test]
fn a_crash_in_an_append_is_never_mistaken_for_corruption() {
    let sample = Sample::new();
    let kept = &sample.bytes[..sample.last()];
    let append = &sample.bytes[sample.last()..];
    let lines: Vec<&[u8]> = append.split_inclusive(|&byte| byte == b'\n').collect();
    // Each line intact, as zeros, as garbage with newlines in it, or from an older journal.
    for mut holes in 0..4_u32.pow(u32::try_from(lines.len()).unwrap()) {
        let mut bytes = kept.to_vec();
        let whole = holes == 0;
        for line in &lines {
            match holes % 4 {
                0 => bytes.extend_from_slice(line),
                1 => bytes.extend(std::iter::repeat_n(0, line.len())),
                2 => bytes.extend(line.iter().enumerate().map(|(at, byte)| if at % 9 == 0 { b'\n' } else { byte ^ 1 })),
                _ => {
                    let other = Body { bytes: line, epoch: EPOCH, n: N + 6 };
                    assert_eq!(other.carry_over(&mut Vec::new(), 0, 1).unwrap().good, 0);
                    let content = seal::open(line.strip_suffix(b"\n").unwrap(), EPOCH).unwrap();
                    let start = bytes.len();
                    bytes.extend_from_slice(content);
                    seal::seal(&mut bytes, start, EPOCH - 1);
                }
            }
            holes /= 4;
        }
        let (_, replayed) = read(&bytes).unwrap();
        assert_eq!(replayed.n, if whole { N + 7 } else { N + 6 });
        assert_eq!(replayed.torn, if whole { 0 } else { append.len() });
        assert_find_fits(&bytes, KEYS, &[]);
        // Nothing is appended after the remains of a crash, so what follows shows that there was none.
        if !whole {
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            one(&mut bytes, N + 8, "later", None);
            let damage = read(&bytes).unwrap_err();
            assert!(damage.at >= kept.len() && damage.good_after >= 1, "{damage:?}");
        }
    }
}

#[test]
fn what_follows_bad_bytes_decides_whether_they_are_torn() {
    let bad = |tail: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "a", text("1"));
        bytes.extend_from_slice(b"{\"fold\":{\n");
        tail(&mut bytes);
        read(&bytes).map(|(_, replayed)| replayed.n)
    };
    assert_eq!(bad(&|_| ()), Ok(17));
    assert_eq!(bad(&|bytes| bytes.extend_from_slice(&[0; 4096])), Ok(17));
    let damage = bad(&|bytes| one(bytes, 18, "b", None)).unwrap_err();
    assert_eq!((damage.line, damage.good_after), (2, 1), "a whole commit is no part of the append that failed");
    assert_eq!(damage.reason, "its checksum does not match");
    assert!(bad(&|bytes| one(bytes, 19, "b", None)).is_err());
    assert!(bad(&|bytes| one(bytes, 17, "b", None)).is_err());
    assert!(bad(&|bytes| fold(bytes, 17)).is_err());
    let part = |bytes: &mut Vec<u8>, skip: usize| {
        let mut whole = Vec::new();
        commit(&mut whole, 18, &[("b".to_owned(), None), ("c".to_owned(), None)]);
        whole.split_inclusive(|&byte| byte == b'\n').skip(skip).take(1).for_each(|line| bytes.extend_from_slice(line));
    };
    assert_eq!(bad(&|bytes| part(bytes, 0)), Ok(17));
    assert_eq!(bad(&|bytes| part(bytes, 1)), Ok(17));
    assert!(bad(&|bytes| (0..2).for_each(|line| part(bytes, line))).is_err());
    let mut bytes = Vec::new();
    one(&mut bytes, 17, "a", text("1"));
    part(&mut bytes, 0);
    fold(&mut bytes, 17);
    part(&mut bytes, 1);
    assert_eq!(read(&bytes).unwrap_err().reason, "it records a save of commit 17 inside commit 18");
}

#[test]
fn two_lines_that_became_one_are_corrupt_even_at_the_end() {
    let append = |bytes: &mut Vec<u8>, kind: &str, n: u64| match kind {
        "one" => one(bytes, n, "a", text("1")),
        "two" => commit(bytes, n, &[("a".to_owned(), None), ("b".to_owned(), text("2"))]),
        _ => fold(bytes, n - 1),
    };
    for (first, second) in ["one", "two", "fold"].iter().flat_map(|a| ["one", "two", "fold"].map(|b| (*a, b))) {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "z", text("0"));
        append(&mut bytes, first, 18);
        let joint = bytes.len() - 1;
        append(&mut bytes, second, if first == "fold" { 18 } else { 19 });
        let corrupted = |corrupt: &dyn Fn(&mut Vec<u8>)| {
            let mut corrupted = bytes.clone();
            corrupt(&mut corrupted);
            read(&corrupted).map(|(changes, _)| changes)
        };
        for byte in (0..=u8::MAX).filter(|&byte| byte != b'\n') {
            assert!(corrupted(&|bytes| bytes[joint] = byte).is_err(), "{first} {second} {byte}");
        }
        let removed = |bytes: &mut Vec<u8>| {
            bytes.remove(joint);
        };
        assert!(corrupted(&removed).is_err(), "{first} {second}");
        assert!(corrupted(&|bytes| bytes[joint..joint + 9].fill(0)).is_err(), "{first} {second}");
        // What a crash can leave of the last newline, in a block of its own.
        let last = bytes.len() - 1;
        assert!(corrupted(&|bytes| bytes[last] = 0).is_ok(), "{first} {second}");
    }
}

#[test]
fn a_commit_out_of_order_is_reported() {
    let reason = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        one(&mut bytes, 17, "a", text("1"));
        write(&mut bytes);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.line, damage.good_after, damage.newer), (2, 0, false));
        damage.reason
    };
    assert_eq!(reason(&|bytes| one(bytes, 19, "b", None)), "expected commit 18, found commit 19");
    assert_eq!(reason(&|bytes| one(bytes, 17, "b", None)), "expected commit 18, found commit 17");
    assert_eq!(reason(&|bytes| fold(bytes, 18)), "it records a save of commit 18, but commit 17 was the last");
}

#[test]
fn the_last_commit_number_has_no_successor() {
    let mut bytes = Vec::new();
    one(&mut bytes, u64::MAX, "a", None);
    let end = Body { n: u64::MAX - 1, ..body(&bytes) };
    assert_eq!(end.replay(&mut |_, _, _| ()).unwrap().n, u64::MAX);
    assert_eq!(end.find("a"), Ok(Some(None)));
    one(&mut bytes, u64::MAX, "b", None);
    assert!(Body { n: u64::MAX - 1, ..body(&bytes) }.replay(&mut |_, _, _| ()).is_err());
}

#[test]
fn an_unusable_line_with_a_good_sum_is_refused_anywhere() {
    for (content, newer) in
        [("{\"n\":17,\"key\":\"a\",\"color\":1", true), ("{\"n\":17,\"key\":\"a\",\"value\":tru", false)]
    {
        let mut bytes = Vec::new();
        sealed(&mut bytes, content);
        one(&mut bytes, 17, "b", None);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.newer, damage.line, damage.good_after), (newer, 1, 1), "{damage:?}");
        let mut bytes = b"rubbish\n".to_vec();
        sealed(&mut bytes, content);
        let damage = read(&bytes).unwrap_err();
        assert_eq!((damage.newer, damage.line, damage.at), (newer, 2, 8), "{damage:?}");
        assert_eq!(body(&bytes).find("a"), Err(Suspect));
    }
}
