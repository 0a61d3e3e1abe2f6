//! Commands that act on the shell, which the runner executes itself.

use super::frontend::TypingSetting;
use super::settings::on_or_off;
use super::{Flow, Origin, Runner};
use crate::shell::answer::done::{Done, Setting};
use crate::shell::answer::reply::{Answer, Failure, Reply};
use crate::shell::commands::lines::{ExitArgs, HistoryArgs, SourceArgs};
use crate::shell::commands::manual::{CompletionsArgs, HelpArgs};
use crate::shell::commands::mask::MaskArgs;
use crate::shell::commands::settings::{EditModeArgs, HintsArgs, OutputArgs, PagerArgs, PromptArgs, TimerArgs};
use crate::shell::config;
use crate::shell::language::command::ShellCommand;
use crate::shell::language::{help, man, own_shell};
use crate::shell::render::RenderOptions;
use crate::shell::terminal::outlet::Pager;
use crate::shell::text::argument::HistoryAsk;
use crate::value::Value;

impl Runner<'_> {
    /// Runs the command; `rendering` applies to its answer.
    pub(crate) fn run_shell_command(
        &mut self,
        command: ShellCommand,
        place: Origin<'_>,
        rendering: &RenderOptions,
    ) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let answer = match command {
            ShellCommand::Source(SourceArgs { file }) => return Flow::Source(file),
            ShellCommand::Config(_) => Ok(self.config().into()),
            ShellCommand::History(HistoryArgs { what: HistoryAsk::Last(n) }) => {
                self.frontend.history(n).map(|lines| Reply::Text(lines.join("\n")).into())
            }
            ShellCommand::Completions(CompletionsArgs { shell }) => {
                Ok(Reply::Text(own_shell::script(shell).trim_end().to_owned()).into())
            }
            ShellCommand::Man(_) => Ok(Reply::Text(man::page().trim_end().to_owned()).into()),
            ShellCommand::Help(HelpArgs { topic }) => {
                help::text(topic.as_deref(), self.rendering().width).map(|text| Reply::Text(text).into())
            }
            ShellCommand::Exit(ExitArgs { code }) => {
                self.tally.exit = code.or(self.tally.exit);
                self.tally.left = true;
                // A program on the pipe expects a line.
                if place.is_script() {
                    self.answer(Ok(Done::Quietly.into()), place, None);
                }
                return Flow::Stop;
            }
            ShellCommand::Mask(args) => self.mask(args, place),
            setting => self.setting(setting),
        };
        self.answer(answer, place, Some(rendering))
    }

    /// Changes or prints a setting.
    fn setting(&mut self, command: ShellCommand) -> Result<Answer<'static>, Failure> {
        Ok(match command {
            ShellCommand::Output(OutputArgs { mode: None }) => is(self.rendering().mode.name()),
            ShellCommand::Output(OutputArgs { mode: Some(mode) }) => {
                // The line was sent in the old mode, and is answered in it.
                self.output.console.rendering.mode = mode;
                self.settings.note("output");
                Done::Quietly.into()
            }
            ShellCommand::Timer(TimerArgs { on: None }) => is(on_or_off(self.settings.timer)),
            ShellCommand::Timer(TimerArgs { on: Some(on) }) => {
                self.settings.timer = on;
                self.settings.note("timer");
                Done::Switched(Setting::Timer(on)).into()
            }
            ShellCommand::Pager(PagerArgs { on: None }) => {
                is(on_or_off(self.frontend.typing_state().is_some_and(|typing| typing.pager)))
            }
            ShellCommand::Pager(PagerArgs { on: Some(on) }) => {
                self.frontend.set_pager(Pager::chosen(on)?);
                self.settings.note("pager");
                Done::Switched(Setting::Pager(on)).into()
            }
            typing => self.typing(typing)?,
        })
    }

    /// Changes or prints a setting of the line editor.
    fn typing(&mut self, command: ShellCommand) -> Result<Answer<'static>, Failure> {
        let state = self.frontend.typing_state();
        let (name, wanted, present) = match command {
            ShellCommand::Hints(HintsArgs { on }) => {
                ("hints", on.map(TypingSetting::Hints), state.map(|state| on_or_off(state.hints).to_owned()))
            }
            ShellCommand::EditMode(EditModeArgs { mode }) => {
                ("edit-mode", mode.map(TypingSetting::Keys), state.map(|state| state.keys.name().to_owned()))
            }
            ShellCommand::Prompt(PromptArgs { text, reset }) => {
                let wanted = if reset { Some(None) } else { text.map(Some) };
                ("prompt", wanted.map(TypingSetting::Prompt), state.map(|state| state.prompt))
            }
            ShellCommand::History(HistoryArgs { what: HistoryAsk::Keep(on) }) => {
                ("history", Some(TypingSetting::History(on)), None)
            }
            _ => return Err(Failure::usage("this command belongs to the shell")),
        };
        let Some(wanted) = wanted else {
            return present
                .map(|present| is(&present))
                .ok_or_else(|| Failure::usage(format!("`{name}` works only at the prompt")));
        };
        let done = match &wanted {
            TypingSetting::Hints(on) => Done::Switched(Setting::Hints(*on)),
            TypingSetting::Keys(mode) => Done::Switched(Setting::Keys(*mode)),
            TypingSetting::History(on) => Done::Switched(Setting::History(*on)),
            // It is to be seen.
            TypingSetting::Prompt(_) => Done::Quietly,
        };
        self.frontend.typing(wanted)?;
        self.settings.note(name);
        Ok(done.into())
    }

    fn mask(&mut self, args: MaskArgs, place: Origin<'_>) -> Result<Answer<'static>, Failure> {
        args.check()?;
        let MaskArgs { patterns, off } = args;
        let session = self.session.borrow();
        let masks = &session.masks;
        if !off && patterns.is_empty() {
            let names = masks.names();
            return Ok(if names.is_empty() { is("off") } else { Reply::Text(names.join("\n")).into() });
        }
        if off {
            masks.clear();
        }
        masks.add(patterns);
        self.settings.note("mask");
        let mut answer = Answer::from(Done::Switched(Setting::Mask(masks.names())));
        if place == Origin::OneShot {
            let rc = config::rc_path().map_or_else(|| "the rc file".to_owned(), |path| config::short(&path));
            answer.notes.push(format!("this ends with the command; to make it permanent, put a mask line into {rc}"));
        }
        Ok(answer)
    }
}

/// The answer that prints a setting.
fn is(value: &str) -> Answer<'static> {
    Reply::Line(Value::from(value)).into()
}
