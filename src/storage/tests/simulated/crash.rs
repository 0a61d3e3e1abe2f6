//! Every state that a power cut may leave on a disk.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::Simulated;
use super::random::Random;
use super::world::{Inode, Names, World};

/// The disk between two changes.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// How many changes came before.
    pub(crate) changes: u64,
    /// The last argument of [`Simulated::mark`].
    pub(crate) mark: u64,
    pub(super) world: World,
}

/// Where the last unsynced write is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cuts {
    /// A write of at most this many bytes is cut at each of them.
    pub(crate) everywhere_up_to: usize,
    /// A longer one is cut at its ends, and at this many places in between.
    pub(crate) samples: usize,
    pub(crate) seed: u64,
    /// Whether times may revert to those of the last sync.
    pub(crate) old_times: bool,
}

impl Default for Cuts {
    fn default() -> Self {
        Self { everywhere_up_to: 256, samples: 24, seed: 0, old_times: true }
    }
}

/// A disk that a power cut may have left. Everything on it is durable, and nothing is locked.
#[derive(Debug)]
pub(crate) struct Crashed<'a> {
    pub(crate) disk: Simulated,
    /// The hash of everything that a program can see.
    pub(crate) hash: u64,
    pub(crate) how: How<'a>,
}

/// The effects of the power cut, for a message.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "a message shows it")]
pub(crate) struct How<'a> {
    /// Which changes of names that were not durable happened, oldest first.
    pub(crate) names: &'a [bool],
    /// Which files with writes that were not durable kept them all; the others kept none.
    pub(crate) whole: &'a [bool],
    /// A file whose writes were damaged.
    pub(crate) damage: Option<(&'a Path, Damage)>,
    /// Whether times reverted and notes were lost.
    pub(crate) old: bool,
}

/// What happened to the unsynced writes of a file. Places are offsets in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// All of them remain.
    Whole,
    /// None remain: the file ends before them, or has zeros if durable writes follow.
    Gone,
    /// The file ends here.
    Cut(usize),
    /// Zeros from the first place to the second.
    Zeros(usize, usize),
    /// The bytes from `at` to `to` are those of another file, starting at its offset `from`, then zeros.
    Stale { at: usize, to: usize, file: usize, from: usize },
}

impl Moment {
    /// The disk after all programs are killed while the system keeps running.
    pub(crate) fn killed(&self) -> Simulated {
        let mut world = self.world.clone();
        for inode in &mut world.files {
            (inode.locked_by, inode.handles) = (None, 0);
        }
        Simulated::of(world)
    }

    /// Visits each disk that a power cut may leave now, without duplicates; returns their number. If there are too many
    /// possibilities (see [`Cuts`]), chooses some by the seed.
    pub(crate) fn crash_states(&self, cuts: Cuts, mut visit: impl FnMut(Crashed<'_>)) -> usize {
        let world = &self.world;
        let mut random = Random(cuts.seed ^ self.changes);
        let mut seen = HashSet::new();
        for (names, happened) in name_states(world, &mut random) {
            let named: BTreeSet<usize> = names.values().copied().collect();
            let unsure: Vec<usize> = named.into_iter().filter(|&file| !world.files[file].unsynced.is_empty()).collect();
            let mut show = |whole: &[bool], damage: Option<(usize, Damage)>, old: bool| {
                let (left, hash) = self.left(&names, &happened, &unsure, whole, damage, old);
                if seen.insert(hash) {
                    let of =
                        |file| names.iter().find(|(_, named)| **named == file).map_or(Path::new(""), |(path, _)| path);
                    let damage = damage.map(|(file, damage)| (of(file), damage));
                    visit(Crashed {
                        disk: Simulated::of(left),
                        hash,
                        how: How { names: &happened, whole, damage, old },
                    });
                }
            };
            for whole in subsets(unsure.len(), &mut random) {
                show(&whole, None, false);
                if cuts.old_times {
                    show(&whole, None, true);
                }
            }
            for (place, &file) in unsure.iter().enumerate() {
                for damage in damages(world, file, cuts, &mut random) {
                    show(&vec![true; unsure.len()], Some((file, damage)), false);
                    if unsure.len() > 1 {
                        let others: Vec<bool> = (0..unsure.len()).map(|other| other == place).collect();
                        show(&others, Some((file, damage)), false);
                    }
                }
            }
        }
        seen.len()
    }

    fn left(
        &self,
        names: &Names,
        happened: &[bool],
        unsure: &[usize],
        whole: &[bool],
        damage: Option<(usize, Damage)>,
        old: bool,
    ) -> (World, u64) {
        let mut left = self.world.without_files();
        let mut hash = Xxh3::new();
        let mut moved: Vec<(usize, usize)> = Vec::new();
        for (path, &file) in names {
            hash.update(path.as_os_str().as_encoded_bytes());
            let known = moved.iter().find(|(from, _)| *from == file).map(|(_, to)| *to);
            let to = known.unwrap_or(left.files.len());
            left.names.insert(Arc::clone(path), to);
            hash.update(&[0]);
            hash.update(&to.to_le_bytes());
            if known.is_some() {
                continue;
            }
            moved.push((file, to));
            let inode = &self.world.files[file];
            let kept = unsure.iter().zip(whole).all(|(unsure, whole)| *unsure != file || *whole);
            let outcome = damage.filter(|(damaged, _)| *damaged == file).map(|(_, damage)| damage);
            let outcome = outcome.unwrap_or(if kept { Damage::Whole } else { Damage::Gone });
            let content = match outcome {
                _ if inode.is_lock && old => Arc::default(),
                Damage::Whole => Arc::clone(&inode.content),
                damage => Arc::new(damaged(&self.world, inode, damage)),
            };
            let (modified, changed) = if old && (inode.unsynced.is_empty() || outcome == Damage::Gone) {
                inode.durable_times
            } else {
                let renamed = self.world.renamed(file, happened);
                (inode.modified, inode.changed.max(renamed).max(inode.durable_times.1))
            };
            for number in [inode.number, modified, changed, u64::from(inode.mode), content.len() as u64] {
                hash.update(&number.to_le_bytes());
            }
            hash.update(&content);
            left.files.push(Inode {
                content,
                unsynced: Vec::new(),
                modified,
                changed,
                renamed: changed,
                renamed_for_good: changed,
                durable_times: (modified, changed),
                locked_by: None,
                handles: 0,
                ..*inode
            });
        }
        left.base.clone_from(&left.names);
        (left, hash.digest())
    }
}

impl Simulated {
    /// As [`Moment::crash_states`], for the current moment.
    pub(crate) fn crash_states(&self, cuts: Cuts, visit: impl FnMut(Crashed<'_>)) -> usize {
        self.moment().crash_states(cuts, visit)
    }
}

/// Every possible state of the names, each with the changes that happened, without duplicates.
fn name_states(world: &World, random: &mut Random) -> Vec<(Names, Vec<bool>)> {
    let open: Vec<usize> = (0..world.changes.len()).filter(|&change| !world.changes[change].durable).collect();
    let mut seen = HashSet::new();
    let mut states = Vec::new();
    for subset in subsets(open.len(), random) {
        let mut happened = vec![true; world.changes.len()];
        for (&change, kept) in open.iter().zip(subset) {
            happened[change] = kept;
        }
        let mut names = world.base.clone();
        let possible = world.changes.iter().zip(&happened).filter(|(_, kept)| **kept).all(|(change, _)| {
            let possible = change.durable || change.is_possible(&names);
            change.apply(&mut names);
            possible
        });
        if possible && seen.insert(names.clone()) {
            states.push((names, happened));
        }
    }
    states
}

/// All subsets of up to six items. For more items: all prefixes, all subsets that lack one item, and some others.
fn subsets(len: usize, random: &mut Random) -> Vec<Vec<bool>> {
    if len <= 6 {
        return (0..1_u32 << len).rev().map(|set| (0..len).map(|at| set >> at & 1 == 1).collect()).collect();
    }
    let prefixes = (0..=len).map(|end| (0..len).map(|at| at < end).collect());
    let lacking = (0..len).map(|gap| (0..len).map(|at| at != gap).collect());
    let mut subsets: Vec<Vec<bool>> = prefixes.chain(lacking).collect();
    subsets.extend((0..64).map(|_| (0..len).map(|_| random.below(2) == 0).collect()));
    subsets
}

/// What may happen to the unsynced writes of a file, except for keeping all or none of them.
fn damages(world: &World, file: usize, cuts: Cuts, random: &mut Random) -> Vec<Damage> {
    let inode = &world.files[file];
    let writes = &inode.unsynced;
    let (Some(first), Some(last)) = (writes.first(), writes.last()) else { return Vec::new() };
    let mut damages = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        if is_tail(inode, place) {
            damages.push(Damage::Cut(write.from));
        }
        damages.extend([Damage::Zeros(write.from, write.to), Damage::Zeros(first.from, write.to)]);
    }
    let places: BTreeSet<usize> = if last.to - last.from <= cuts.everywhere_up_to {
        (last.from..=last.to).collect()
    } else {
        let sampled = (0..cuts.samples).map(|_| last.from + random.index(last.to - last.from));
        [last.from, last.from + 1, last.to - 1, last.to].into_iter().chain(sampled).collect()
    };
    for &at in &places {
        if is_tail(inode, writes.len() - 1) {
            damages.push(Damage::Cut(at));
        }
        damages.extend([Damage::Zeros(at, last.to), Damage::Zeros(last.from, at)]);
    }
    for (other, old) in world.files.iter().enumerate().filter(|(other, old)| *other != file && !old.is_lock) {
        // A block of its own, as it was at this offset.
        let there = places.iter().filter(|at| **at < old.content.len());
        damages.extend(there.map(|&at| Damage::Stale { at, to: last.to, file: other, from: at }));
        // The worst content for this place starts at the start of a line.
        let lines = old.content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let lines: Vec<usize> = lines.filter(|from| *from < old.content.len()).collect();
        for &from in lines.iter().rev().take(4) {
            damages.push(Damage::Stale { at: last.from, to: last.to, file: other, from });
        }
    }
    damages
}

/// Whether no durable write follows an unsynced one.
fn is_tail(inode: &Inode, place: usize) -> bool {
    let after = &inode.unsynced[place..];
    after.windows(2).all(|pair| pair[0].to == pair[1].from)
        && after.last().is_some_and(|last| last.to == inode.content.len())
}

fn damaged(world: &World, inode: &Inode, damage: Damage) -> Vec<u8> {
    let mut content = inode.content.to_vec();
    match damage {
        Damage::Whole => {}
        Damage::Gone => {
            for (place, write) in inode.unsynced.iter().enumerate() {
                if is_tail(inode, place) {
                    content.truncate(write.from);
                    break;
                }
                content[write.from..write.to].fill(0);
            }
        }
        Damage::Cut(at) => content.truncate(at),
        Damage::Zeros(from, to) => {
            for write in &inode.unsynced {
                let (from, to) = (write.from.max(from), write.to.min(to));
                if from < to {
                    content[from..to].fill(0);
                }
            }
        }
        Damage::Stale { at, to, file, from } => {
            let old = &world.files[file].content[from..];
            let len = old.len().min(to - at);
            content[at..at + len].copy_from_slice(&old[..len]);
            content[at + len..to].fill(0);
        }
    }
    content
}
