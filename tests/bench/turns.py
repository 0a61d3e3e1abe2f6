#!/usr/bin/env python3
"""Times whole processes in turn (A B A B ...), as a shell that forks would add its own time to both.

    turns.py pair RUNS SECONDS A B [--same] [--before COMMAND] [--evict FILE...]
        A and B are files of commands, one a line; turn i takes line i of both. Stops after RUNS turns, or after SECONDS.
        Prints both medians in seconds, and the number of turns. --same: both must answer the same. --before: a shell
        command run before each of them, untimed. --evict: files put out of the page cache before each of them.
    turns.py while BACKGROUND COMMANDS
        Runs the commands one after another for as long as a background command takes.
        Prints the longest and the median in seconds, and how many there were.
    turns.py evict FILE...
        Puts files out of the page cache.

A command is split as a shell would, and run without one; a last word `<FILE` is its stdin. Stdout is thrown away.
"""
import argparse, os, shlex, shutil, statistics, subprocess, sys, time

NULL = os.open(os.devnull, os.O_RDWR)


def words(command):
    """The arguments of a command and the descriptor of its stdin."""
    args = shlex.split(command)
    # Looking for a program is the shell's work, not that of what is measured.
    args[0] = shutil.which(args[0]) or args[0]
    if len(args) > 1 and args[-1].startswith("<"):
        return args[:-1], os.open(args[-1][1:], os.O_RDONLY)
    return args, NULL


def start(args, stdin, stdout=NULL):
    moves = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawn(args[0], args, os.environ, file_actions=moves)


def finish(child, command):
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(f"turns.py: status {status}: {command}")


def timed(command):
    """The seconds that a command takes."""
    args, stdin = words(command)
    begin = time.perf_counter()
    finish(start(args, stdin), command)
    took = time.perf_counter() - begin
    if stdin != NULL:
        os.close(stdin)
    return took


def answer(command):
    args, stdin = words(command)
    return subprocess.run(args, stdin=stdin, stdout=subprocess.PIPE, check=True).stdout


def evict(path):
    if os.path.exists(path):
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def lines(path):
    with open(path) as file:
        return file.read().splitlines()


def pair(options):
    sides, times = [lines(options.a), lines(options.b)], ([], [])

    def turn(at):
        for side, commands in enumerate(sides):
            if options.before:
                subprocess.run(options.before, shell=True, check=True, stdout=NULL)
            for path in options.evict:
                evict(path)
            times[side].append(timed(commands[at % len(commands)]))

    if options.same and len({answer(commands[0]) for commands in sides}) != 1:
        sys.exit(f"turns.py: the answers differ: {sides[0][0]} | {sides[1][0]}")
    begin = time.monotonic()
    turn(0)
    # The first turn warms up, unless it has used up the time.
    if time.monotonic() - begin < options.seconds:
        for side in times:
            side.clear()
    at = 1
    while len(times[0]) < options.runs and time.monotonic() - begin < options.seconds:
        turn(at)
        at += 1
    for side, found in zip("AB", times):
        low, high = statistics.quantiles(found, n=4)[::2] if len(found) > 3 else (1, 1)
        if high > 1.5 * low:
            print(f"turns.py: unquiet, {side}'s middle half takes {low * 1000:.2f} to {high * 1000:.2f} ms", file=sys.stderr)
    print(*(f"{statistics.median(side):.7f}" for side in times), len(times[0]))


def beside(options):
    args, stdin = words(options.background)
    commands, times = lines(options.commands), []
    child = start(args, stdin)
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        times.append(timed(commands[len(times) % len(commands)]))
    finish(child, options.background)
    print(f"{max(times):.7f} {statistics.median(times):.7f}", len(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True)
    mode = modes.add_parser("pair")
    mode.add_argument("runs", type=int)
    mode.add_argument("seconds", type=float)
    mode.add_argument("a")
    mode.add_argument("b")
    mode.add_argument("--same", action="store_true")
    mode.add_argument("--before")
    mode.add_argument("--evict", nargs="*", default=[])
    mode.set_defaults(run=pair)
    mode = modes.add_parser("while")
    mode.add_argument("background")
    mode.add_argument("commands")
    mode.set_defaults(run=beside)
    mode = modes.add_parser("evict")
    mode.add_argument("files", nargs="+")
    mode.set_defaults(run=lambda options: [evict(path) for path in options.files])
    options = parser.parse_args()
    options.run(options)


main()
