//! The rows of the table.

/// The program that a habit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherShell {
    Redis,
    Sqlite,
    Psql,
    Mongosh,
    Skate,
    /// Any shell or editor.
    Any,
}

/// The outcome of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was refused.
    Failed,
    /// A key did not exist.
    Missing,
    /// It printed nothing.
    Nothing,
    /// It succeeded.
    Done,
}

/// The meaning of a habit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HabitMeaning {
    /// It is rewritten to this line.
    Line(&'static str),
    /// After one of these outcomes, this hint is printed.
    Hint(&'static [Outcome], &'static str),
}

/// One habit: what the user types, and its meaning.
///
/// The pattern is words with a space between them. A word in capitals that [`pattern`](super::pattern) knows is a
/// placeholder; any other stands for itself, in any case; `a/b` stands for either. `…` stands for any words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    pub(crate) program: OtherShell,
    pub(crate) typed: &'static str,
    pub(crate) meaning: HabitMeaning,
    /// Whether it is a habit at the prompt only.
    pub(crate) at_prompt: bool,
    /// A line, and what it prints.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests walk the table"))]
    pub(crate) example: (&'static str, &'static str),
}

impl Habit {
    /// A line that is rewritten. Its example prints this on the database of the tests.
    pub(super) const fn line(
        program: OtherShell,
        typed: &'static str,
        ours: &'static str,
        example: (&'static str, &'static str),
    ) -> Self {
        Self { program, typed, meaning: HabitMeaning::Line(ours), at_prompt: false, example }
    }

    /// A line that is followed by a hint, which is also what its example prints.
    pub(super) const fn hint(
        program: OtherShell,
        after: &'static [Outcome],
        typed: &'static str,
        text: &'static str,
        example: (&'static str, &'static str),
    ) -> Self {
        Self { program, typed, meaning: HabitMeaning::Hint(after, text), at_prompt: false, example }
    }

    /// The same at the prompt only.
    pub(super) const fn at_prompt(self) -> Self {
        Self { at_prompt: true, ..self }
    }
}
