//! The settings of a run, and where each comes from.

use std::collections::BTreeMap;

use super::Runner;
use crate::shell::answer::reply::{Field, Reply};
use crate::shell::config;
use crate::shell::text::argument::OutputMode;

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SettingSource {
    Default,
    /// A variable.
    Environment(&'static str),
    /// The rc file.
    Rc,
    /// An option, or a command of this session.
    #[default]
    Session,
}

impl SettingSource {
    /// The source of a setting that an environment variable decides, if it is set.
    fn of_variable(name: &'static str) -> Self {
        if std::env::var_os(name).is_some() { Self::Environment(name) } else { Self::Default }
    }

    fn shown(self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Environment(name) => format!("environment ({name})"),
            Self::Rc => "rc".to_owned(),
            Self::Session => "session".to_owned(),
        }
    }
}

/// The settings made by commands.
#[derive(Debug, Default)]
pub(crate) struct RunSettings {
    /// Whether each command prints its time.
    pub(crate) timer: bool,
    /// The source of the settings made now.
    pub(crate) by: SettingSource,
    /// The last source of each setting, by name.
    set: BTreeMap<&'static str, SettingSource>,
}

impl RunSettings {
    /// Records that a command has set this setting.
    pub(crate) fn note(&mut self, name: &'static str) {
        self.set.insert(name, self.by);
    }

    fn origin(&self, name: &str, otherwise: SettingSource) -> SettingSource {
        self.set.get(name).copied().unwrap_or(otherwise)
    }
}

/// `on` or `off`.
pub(crate) fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl Runner<'_> {
    /// All settings, with where each comes from.
    pub(crate) fn config(&self) -> Reply<'static> {
        let settings = &self.settings;
        let mut rows = Vec::new();
        let mut row = |name: &'static str, value: String, otherwise: SettingSource| {
            let origin = settings.origin(name, otherwise);
            rows.push([name.to_owned(), value, origin.shown()].map(Field::Text).into());
        };
        let session = self.session.borrow();
        let by_default = config::Location::of(None).ok().is_some_and(|location| location == session.location);
        let of_db = if by_default { SettingSource::of_variable("RUSTY_KV_DB") } else { SettingSource::Session };
        row("db", session.location.path().map_or_else(|| session.location.name.clone(), config::short), of_db);
        let mode = self.rendering().mode;
        let of_mode = if mode == OutputMode::Plain { SettingSource::Default } else { SettingSource::Session };
        row("output", mode.name().to_owned(), of_mode);
        row("timer", on_or_off(settings.timer).to_owned(), SettingSource::Default);
        let masks = session.masks.names();
        let (value, of_masks) = if masks.is_empty() {
            ("off".to_owned(), SettingSource::Default)
        } else {
            (masks.join(" "), SettingSource::Rc)
        };
        row("mask", value, of_masks);
        if let Some(typing) = self.frontend.typing_state() {
            row("pager", on_or_off(typing.pager).to_owned(), SettingSource::of_variable("PAGER"));
            row("hints", on_or_off(typing.hints).to_owned(), SettingSource::Default);
            row("edit-mode", typing.keys.name().to_owned(), SettingSource::Default);
            row("prompt", typing.prompt, SettingSource::Default);
            let file = config::history_file().filter(|_| typing.history);
            let file = file.map_or_else(|| "off".to_owned(), |file| config::short(&file));
            row("history", file, SettingSource::of_variable("RUSTY_KV_HISTORY"));
        }
        let rc = config::rc_path().map(|path| config::short(&path)).unwrap_or_default();
        let note = if config::rc_file().is_some() { "" } else { " (no such file)" };
        row("rc", rc + note, SettingSource::Default);
        Reply::Rows { columns: vec!["setting", "value", "from"], rows }
    }
}
