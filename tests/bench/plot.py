#!/usr/bin/env python3
"""Draws cost.svg, cost against size with both axes logarithmic, from what `OUT=FILE peers.sh` wrote.

    plot.py FIGURES.tsv [FIGURES.tsv...] [>cost.svg]
"""
import csv, math, sys

# (label, class, the row's group and the beginning of its name, which of its two figures)
LINES = [
    ("get, jq", "jq get", "jq", "get", "b"),
    ("set, sqlite3", "sqlite set", "set", "set", "b"),
    ("set, rusty-kv", "kv set", "set", "set", "a"),
    ("get, sqlite3", "sqlite get", "get", "get, beside the sqlite3 shell", "b"),
    ("get, rusty-kv", "kv get", "get", "get, beside the sqlite3 shell", "a"),
]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 120, 44, 48
STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px } .axis { fill: #59636e; font-size: 12px }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round } .set { stroke-dasharray: 7 4 }
    .kv .line { stroke: #c2410c } .kv .dot, .kv .label { fill: #c2410c }
    .sqlite .line { stroke: #1d6fb8 } .sqlite .dot, .sqlite .label { fill: #1d6fb8 }
    .jq .line { stroke: #4d7c0f } .jq .dot, .jq .label { fill: #4d7c0f }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 } .axis { fill: #9198a1 } .grid { stroke: #3d444d }
        .kv .line { stroke: #fb923c } .kv .dot, .kv .label { fill: #fb923c }
        .sqlite .line { stroke: #60a5fa } .sqlite .dot, .sqlite .label { fill: #60a5fa }
        .jq .line { stroke: #a3e635 } .jq .dot, .jq .label { fill: #a3e635 }
    }
"""
SMALL = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def series(rows):
    """The points (size, seconds) of each line that has any."""
    for label, look, group, name, side in LINES:
        found = {int(r["size"]): float(r[side]) for r in rows if r["group"] == group and r["unit"] == "s" and r["name"].startswith(name)}
        if found:
            yield label, look, sorted(found.items())


def apart(places, gap):
    """The places of labels, moved so that none is nearer to another than the gap."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = sorted(places)
    for _ in range(100):
        for at in range(1, len(moved)):
            lack = gap - (moved[at] - moved[at - 1])
            if lack > 0:
                moved[at - 1] -= lack / 2
                moved[at] += lack / 2
    return [moved[order.index(at)] for at in range(len(places))]


def seconds(power):
    return {0: "1 s", 1: "10 s", 2: "100 s"}.get(power, f"{10 ** (power + 3)} ms" if power >= -3 else f"{10 ** (power + 6)} µs")


def draw(lines):
    points = [point for *_, found in lines for point in found]
    x_from, x_to = (f(math.log10(size) for size, _ in points) for f in (min, max))
    x_to = max(x_to, x_from + 1)
    y_from = math.floor(min(math.log10(cost) for _, cost in points))
    y_to = math.ceil(max(math.log10(cost) for _, cost in points))
    y_to = max(y_to, y_from + 1)
    x = lambda size: LEFT + (math.log10(size) - x_from) / (x_to - x_from) * (WIDTH - LEFT - RIGHT)
    y = lambda cost: TOP + (y_to - math.log10(cost)) / (y_to - y_from) * (HEIGHT - TOP - BOTTOM)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="t">'
    yield f'<title id="t">Time of a one-shot command against the number of entries</title>\n<style>{STYLE}</style>'
    yield f'<text class="title" x="{LEFT}" y="22">Time of one command, a process of its own, by the number of entries</text>'
    for power in range(y_from, y_to + 1):
        at = y(10**power)
        yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/><text class="axis" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{seconds(power)}</text>'
    for power in range(math.ceil(x_from), math.floor(x_to) + 1):
        at = x(10**power)
        yield f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/><text class="axis" x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">10{SMALL[power]}</text>'
    yield f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">entries of about 100 bytes</text>'
    labels = apart([y(found[-1][1]) for *_, found in lines], 18)
    for (label, look, found), at in zip(lines, labels):
        path = "L".join(f"{x(size):.1f} {y(cost):.1f}" for size, cost in found)
        dots = "".join(f'<circle class="dot" cx="{x(size):.1f}" cy="{y(cost):.1f}" r="3.5"/>' for size, cost in found)
        yield f'<g class="{look.split()[0]}"><path class="line {look.split()[1]}" d="M{path}"/>{dots}<text class="label" x="{x(found[-1][0]) + 10:.1f}" y="{at + 4:.1f}">{label}</text></g>'
    yield "</svg>"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = []
    for path in sys.argv[1:]:
        with open(path, newline="") as file:
            rows += csv.DictReader(file, delimiter="\t")
    lines = list(series(rows))
    if not lines:
        sys.exit("plot.py: there are no figures of get, set or jq in these files")
    print("\n".join(draw(lines)))


main()
