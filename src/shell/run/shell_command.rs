//! The commands of the shell itself, which are done by whoever runs the others.

use super::frontend::TypingSetting;
use super::{Flow, Origin, Runner};
use crate::shell::answer::done::{Done, Setting};
use crate::shell::answer::reply::Reply;
use crate::shell::commands::lines::{ExitArgs, HistoryArgs, SourceArgs};
use crate::shell::commands::manual::{CompletionsArgs, HelpArgs};
use crate::shell::commands::settings::{EditModeArgs, HintsArgs, OutputArgs, PagerArgs, TimerArgs};
use crate::shell::language::command::ShellCommand;
use crate::shell::language::{help, man, own_shell};
use crate::shell::render::RenderOptions;
use crate::shell::terminal::outlet::Pager;

impl Runner<'_> {
    /// Runs it; `rendering` is for its answer.
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
            ShellCommand::Output(OutputArgs { mode }) => {
                // The line was sent in the old mode, and is answered in it.
                self.output.console.rendering.mode = mode;
                Ok(Done::Quietly.into())
            }
            ShellCommand::Timer(TimerArgs { on }) => {
                self.timer = on;
                Ok(Done::Switched(Setting::Timer(on)).into())
            }
            ShellCommand::Pager(PagerArgs { on }) => Pager::chosen(on).map(|pager| {
                self.frontend.set_pager(pager);
                Done::Switched(Setting::Pager(on)).into()
            }),
            ShellCommand::Hints(HintsArgs { on }) => {
                self.frontend.typing(TypingSetting::Hints(on)).map(|()| Done::Switched(Setting::Hints(on)).into())
            }
            ShellCommand::EditMode(EditModeArgs { mode }) => {
                self.frontend.typing(TypingSetting::Keys(mode)).map(|()| Done::Switched(Setting::Keys(mode)).into())
            }
            ShellCommand::History(HistoryArgs { n }) => {
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
                // A program on the pipe is owed its line.
                if place.is_script() {
                    self.answer(Ok(Done::Quietly.into()), place, None);
                }
                return Flow::Stop;
            }
        };
        self.answer(answer, place, Some(rendering))
    }
}
