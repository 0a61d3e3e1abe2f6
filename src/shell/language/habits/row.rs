//! What a row of the table is.

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

/// What has become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was refused.
    Failed,
    /// A key was not there.
    Missing,
    /// There was nothing that it could print.
    Nothing,
    /// It was done.
    Done,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HabitMeaning {
    /// It is this one of ours.
    Line(&'static str),
    /// After one of these outcomes this is said.
    Hint(&'static [Outcome], &'static str),
}

/// One habit: what is typed, and what becomes of it.
///
/// What is typed is words with a blank between them. A word in capitals that [`pattern`](super::pattern) knows stands for
/// what the user has put there, any other for itself, in any case; `a/b` stands for either. `…` stands for any words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    pub(crate) program: OtherShell,
    pub(crate) typed: &'static str,
    pub(crate) meaning: HabitMeaning,
    /// Whether it is a habit at the prompt only.
    pub(crate) at_prompt: bool,
    /// A line, and what is printed or said.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests walk the table"))]
    pub(crate) example: (&'static str, &'static str),
}

impl Habit {
    /// A line that is rewritten. Its example prints that on the database of the tests.
    pub(super) const fn line(
        program: OtherShell,
        typed: &'static str,
        ours: &'static str,
        example: (&'static str, &'static str),
    ) -> Self {
        Self { program, typed, meaning: HabitMeaning::Line(ours), at_prompt: false, example }
    }

    /// A line after which something is said. Its example says that.
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
