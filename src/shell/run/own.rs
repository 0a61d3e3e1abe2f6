//! The commands of the shell itself, which are done by whoever runs the others.

use super::front::TypingSetting;
use super::{Flow, Place, Runner};
use crate::shell::answer::reply::{Done, Reply};
use crate::shell::commands::lines::{ExitArgs, HistoryArgs, SourceArgs};
use crate::shell::commands::manual::{CompletionsArgs, HelpArgs};
use crate::shell::commands::settings::{EditModeArgs, HintsArgs, OutputArgs, PagerArgs, TimerArgs};
use crate::shell::language::command::ShellCommand;
use crate::shell::language::{help, man, own_shell};
use crate::shell::render::Look;
use crate::shell::terminal::outlet::Pager;

impl Runner<'_> {
    /// Does it; its answer looks like that.
    pub(crate) fn own(&mut self, command: ShellCommand, place: Place<'_>, look: &Look) -> Flow {
        if self.flush() == Flow::Stop {
            return Flow::Stop;
        }
        let done = |what: String| Reply::Done(Done::new(what)).into();
        let on_or_off = |on: bool| if on { "on" } else { "off" };
        let answer = match command {
            ShellCommand::Source(SourceArgs { file }) => return Flow::Source(file),
            ShellCommand::Output(OutputArgs { mode }) => {
                // The line was sent in the old mode, and is answered in it.
                self.output.console.look.mode = mode;
                Ok(done(String::new()))
            }
            ShellCommand::Timer(TimerArgs { on }) => {
                self.timer = on;
                Ok(done(format!("Timer is {}", on_or_off(on))))
            }
            ShellCommand::Pager(PagerArgs { on }) => Pager::chosen(on).map(|pager| {
                self.front.set_pager(pager);
                done(format!("Pager is {}", on_or_off(on)))
            }),
            ShellCommand::Hints(HintsArgs { on }) => {
                self.front.typing(TypingSetting::Hints(on)).map(|()| done(format!("Hints are {}", on_or_off(on))))
            }
            ShellCommand::EditMode(EditModeArgs { mode }) => {
                self.front.typing(TypingSetting::Keys(mode)).map(|()| done(format!("Edit mode is {}", mode.name())))
            }
            ShellCommand::History(HistoryArgs { n }) => {
                self.front.history(n).map(|lines| Reply::Text(lines.join("\n")).into())
            }
            ShellCommand::Completions(CompletionsArgs { shell }) => {
                Ok(Reply::Text(own_shell::script(shell).trim_end().to_owned()).into())
            }
            ShellCommand::Man(_) => Ok(Reply::Text(man::page().trim_end().to_owned()).into()),
            ShellCommand::Help(HelpArgs { topic }) => {
                help::text(topic.as_deref(), self.look().width).map(|text| Reply::Text(text).into())
            }
            ShellCommand::Exit(ExitArgs { code }) => {
                self.tally.exit = code.or(self.tally.exit);
                self.tally.left = true;
                // A program on the pipe is owed its line.
                if place.is_script() {
                    self.done(place);
                }
                return Flow::Stop;
            }
        };
        self.answer(answer, place, Some(look))
    }
}
