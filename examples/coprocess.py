#!/usr/bin/env python3
"""rusty-kv as a co-process: a line for each command, and one line of JSON for each answer.

    python3 examples/coprocess.py [DATABASE]

One process and one open database serve any number of commands; what was answered is stored.
"""

import json
import subprocess
import sys
import tempfile


def quote(text):
    """A text as one word that is always data, whatever is in it."""
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(char, escape)
    return f'"{text}"'


class Failed(Exception):
    """A command that has failed, by its code: not_found, usage, busy, …"""


class Database:
    def __init__(self, path):
        self.process = subprocess.Popen(
            ["rusty-kv", "--db", path, "--output", "json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def ask(self, command, *data):
        """Runs a command, flags and all; the data after it may be any text."""
        line = " ".join([command, *map(quote, data)])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if isinstance(answer, dict) and "error" in answer:
            raise Failed(answer["error"]["code"], answer["error"]["message"])
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        db = Database(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/kv.json")
        db.ask("clear")
        db.ask("set", "a key", 'two lines,\n"quoted"')
        print(db.ask("get", "a key"))
        db.ask("set --json --ttl 1h", "user:1", json.dumps({"name": "Ada", "tags": ["first"]}))
        print(db.ask("get", "user:1")["name"], "for", db.ask("ttl", "user:1") > 3500)
        print([db.ask("incr", "visits")["value"] for _ in range(3)])
        print(db.ask("set --if-absent", "visits", "0"))
        try:
            db.ask("get", "nobody")
        except Failed as failure:
            print(failure.args[0])
        print(db.ask("keys"))
        # The highest status of its commands: one key was not there.
        print("status", db.close())


if __name__ == "__main__":
    main()
