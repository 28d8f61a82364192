"""Share of single mutations of the code that the tests notice.

Each mutation changes one operator, number, keyword, function or argument of a file. The tests that
run the changed line decide. If one of them fails, the mutation is killed. Otherwise it survives:
either a test is missing, or the mutation does not change what the code does. For the latter,
`reasons.json` has the file, the line before, the line after, and the reason.

``python -m benchmarks.mutants.mutants metrics`` tries a random sample of the mutations of all files
of `skjetsim/metrics`; ``skjetsim/metrics/_floor.py`` tries those of one file. It needs
``pip install cosmic-ray coverage``.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.mutants.mutations import mutants_of
from benchmarks.mutants.runs import ROOT, Copy, load_libraries

GOAL = 0.9
# Tests of each group of files.
GROUPS = {
    "_nn": (["skjetsim/_nn"], ["tests/nn", "tests/flows"]),
    "_drawing": (
        ["skjetsim/_drawing", "skjetsim/utils/_seeds.py"],
        ["tests/drawing", "tests/utils"],
    ),
    "metrics": (["skjetsim/metrics"], ["tests/metrics", "skjetsim/metrics"]),
    "preprocessing": (
        ["skjetsim/preprocessing"],
        ["tests/preprocessing", "skjetsim/preprocessing"],
    ),
    "compose": (["skjetsim/compose"], ["tests/compose", "skjetsim/compose"]),
}
MOST_SECONDS = 60.0  # of the tests of one mutation, when they ran without it
REASONS = Path(__file__).with_name("reasons.json")


def files_of(name):
    """Files of a group, or the file itself, and the tests of the group."""
    if name in GROUPS:
        sources, tests = GROUPS[name]
    else:
        group = next((g for g, (paths, _) in GROUPS.items() if name.startswith(tuple(paths))), None)
        if group is None:
            raise SystemExit(f"{name!r} is not in one of the groups {', '.join(GROUPS)}.")
        sources, tests = [name], GROUPS[group][1]
    found = []
    for source in sources:
        path = ROOT / source
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"], tests


def choose(files, n_mutants, seed):
    """A random sample of the mutants of some files, as (file, Mutant)."""
    every = []
    for file in files:
        source = (ROOT / file).read_text(encoding="utf-8")
        every += [(file, mutant) for mutant in mutants_of(source, seed)]
    random.Random(seed).shuffle(every)
    return every[:n_mutants], len(every)


def tests_of(file, line, record):
    """Tests that run a line, the quickest first, and those that run the file if none does."""
    lines, seconds = record["lines"].get(file, {}), record["seconds"]
    names = lines.get(str(line)) or {name for every in lines.values() for name in every}
    total, chosen = 0.0, []
    for name in sorted(names, key=lambda name: (seconds[name], name)):
        total += seconds[name]
        if chosen and total > MOST_SECONDS:
            break
        chosen.append(name)
    return chosen, min(total, MOST_SECONDS)


def run(chosen, tests, folder, n_jobs):
    """Yield (file, mutant, whether it was killed) for mutants, in the order in which they end."""
    copies = [Copy(folder / str(number)) for number in range(n_jobs)]
    print("running the tests without a mutation ...", file=sys.stderr)
    record = copies[0].record(tests)
    for copy in copies[1:]:  # for the compiled files, which children do not write
        copy.record(tests[:1])
    waiting, busy = list(chosen), {}
    while waiting or busy:
        for copy in copies:
            if copy in busy:
                file, mutant, limit = busy[copy]
                status = copy.ended(limit)
                if status is None:
                    continue
                (copy.folder / file).write_text(
                    (ROOT / file).read_text(encoding="utf-8"), encoding="utf-8"
                )
                del busy[copy]
                yield file, mutant, copy.noticed(status)
            while waiting and copy not in busy:
                file, mutant = waiting.pop(0)
                names, seconds = tests_of(file, mutant.line, record)
                if not names:
                    yield file, mutant, False
                    continue
                (copy.folder / file).write_text(mutant.source, encoding="utf-8")
                copy.start(names)
                busy[copy] = file, mutant, 60 + 10 * seconds
        os.sched_yield()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(GROUPS), help="groups or files")
    parser.add_argument("--n-mutants", type=int, default=100, help="tried in each group")
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    load_libraries()
    reasons = {tuple(each[:3]): each[3] for each in json.loads(REASONS.read_text("utf-8"))}
    for name in options.names:
        files, tests = files_of(name)
        chosen, n_all = choose(files, options.n_mutants, options.random_state)
        counts = Counter()
        with tempfile.TemporaryDirectory() as folder:
            for file, mutant, killed in run(chosen, tests, Path(folder), options.n_jobs):
                key = file, mutant.before, mutant.after
                kind = "killed" if killed else "harmless" if key in reasons else "survived"
                counts[kind] += 1
                if kind == "survived":
                    print(
                        f"{file}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}", flush=True
                    )
        noticed = counts["killed"] / max(1, counts["killed"] + counts["survived"])
        print(
            f"{name}: {len(chosen)} of {n_all} mutations: {counts['killed']} killed, "
            f"{counts['harmless']} harmless with a reason, {counts['survived']} survived; "
            f"{noticed:.1%} noticed (goal: {GOAL:.0%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
