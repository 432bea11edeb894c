"""What was found of the cuts, in plain sentences for the terminal and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..data.words import plural
from ..screening.metrics.paired import Estimate


def cut_words(target: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield one paragraph: what the fast model sends on and why, and what docking all that the goal needs would take.

    Parameters
    ----------
    target : str
    found : mapping
        One target's part of the facts of the task ``cut``.
    """
    yield f"{target}: {' '.join(_sentences(found))}"


def cut_line(target: str, found: Mapping[str, Any]) -> str:
    """Return the same in two or three short sentences, for a terminal: the report tells the rest.

    Parameters
    ----------
    target, found
        As for `cut_words`.
    """
    fast, teacher = found.get("fast_model", "student"), found["teacher"]
    said = [
        f"{target}: the fast model ({fast}) sends its best {plural(found['keep'], 'molecule')} to the teacher"
        f"{_why(found)}."
    ]
    if not found["gate"]:
        said.append(
            f"The {fast} is less faithful to its teacher than [student] min_fidelity and min_recall ask."
        )
    if teacher is not None:
        share = _share({"goal": found["goal"]})
        whole = is_promised(teacher) and found.get("promised", is_promised(teacher))
        if whole:
            said.append(f"Docking the teacher's best {found['dock_for_goal']:,} finds {_goal(found)}.")
        elif teacher["method"] == "everything":
            said.append(f"How many dockings find {share} cannot be promised.")
        else:
            said.append(
                f"How many dockings find {share} cannot be promised; the best guess is {_percent(teacher['estimate'])} "
                f"of the library ({_percent(teacher['low'])} to {_percent(teacher['fraction'])})."
            )
    if found["sweep"]:
        said.append(
            f"This last round docks those of the teacher's best {found['sweep']:,} that are not docked yet."
        )
    return " ".join((*said, *(f"{note.rstrip('.')}." for note in found["notes"])))


def _sentences(found: Mapping[str, Any]) -> Iterator[str]:
    student, teacher = found["student"], found["teacher"]
    kept, fast = plural(found["keep"], "molecule"), found.get("fast_model", "student")
    if student is None or teacher is None:
        told = " ".join(found["notes"])
        yield f"{told} The best {kept} by the fast model ({fast}) go on to the exact one (teacher)."
        return
    teaching = found.get("price", {}).get("predicting_seconds")
    cost = f", which takes it about {time_words(teaching)} of one core" if teaching else ""
    yield (
        f"the fast model ({fast}) has scored the whole library, and its best {kept} go on to the slower, more exact "
        f"one (teacher){cost}{_why(found)}."
    )
    best = "the teacher's best"
    if is_promised(student):
        yield f"For {_goal(student, best)} to be among them, {_range(student)}."
    else:
        yield from _refused(student, f"Whether they hold {_share({'goal': student['goal']}, best)}")
        yield from _carrying(student, best, "random labels")
    if not found["gate"]:
        yield (
            f"The {fast} is less faithful to its teacher than [student] min_fidelity and min_recall ask, so at least "
            f"what the data ask for goes on; a wider {fast} or more [rounds] labels would cost less."
        )
    yield from _docking(found, teacher)
    if found["sweep"]:
        short = found["sweep"] < found["dock_for_goal"]
        yield (
            f"This is the last round and a sweep: it docks those of the teacher's best {found['sweep']:,} that are not "
            "docked yet" + (" (the most that [cut] sweep allows)." if short else ".")
        )
    for note in found["notes"]:
        yield f"{note.rstrip('.')}."


def _docking(found: Mapping[str, Any], teacher: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many of the teacher's best would have to be docked for the goal."""
    fast = found.get("fast_model", "student")
    seconds = found.get("price", {}).get("docking_seconds")
    cost = f" (about {time_words(seconds)} of one core)" if seconds else ""
    dock = f"the teacher's best {plural(found['dock_for_goal'], 'molecule')} would have to be docked{cost}"
    if found.get("promised", is_promised(teacher)) and is_promised(teacher):
        yield f"To find {_goal(found)}, {dock}; {_range(teacher)}."
    elif is_promised(teacher):
        yield (
            f"{_share(found)} cannot be promised of this sweep (the last round, which docks all that the goal needs): "
            f"the {fast}'s part cannot be promised, or fewer molecules are kept or docked than are needed. For all of "
            f"it, {dock}; {_range(teacher)}."
        )
    else:
        yield from _refused(
            teacher, f"How many dockings find {_share({'goal': found['goal']})} of the library"
        )
        yield f"For the upper end of that, {dock}."
        yield from _carrying(teacher, "the best", "random dockings", " of the teacher alone")


def time_words(seconds: float) -> str:
    """Return seconds with two or three figures in the unit that fits."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _why(found: Mapping[str, Any]) -> str:
    return {
        "goal": "",
        "file": " (as many as [rounds] keep says)",
        "widest": f" (the most that [cut] widest allows; {found['needed']:,} would be needed)",
        "room": " (enough for what is docked and will be)",
    }[found["keep_by"]]


def is_promised(cut: Mapping[str, Any]) -> bool:
    """Return whether a cut's confidence may be printed.

    A receipt of an earlier version does not say: only what its order statistics said of the best asked about holds.
    """
    return bool(cut.get("promised", cut["met"]))


def reasons_of(cut: Mapping[str, Any]) -> str:
    """Return why a cut cannot be promised."""
    if cut["method"] == "residual model":
        return (
            "an earlier version took errors not to depend on the prediction, and its confidence was not kept"
        )
    return "; ".join(cut.get("reasons", ())) or "too little is known"


def _share(cut: Mapping[str, Any], best: str = "the best") -> str:
    goal = cut["goal"]
    return f"{100 * goal['recall']:.3g} % of {best} {_percent(cut.get('best', goal['best']))}"


def _goal(cut: Mapping[str, Any], best: str = "the best") -> str:
    return f"{_share(cut, best)} with {100 * cut['goal']['confidence']:.3g} % confidence"


def _refused(cut: Mapping[str, Any], lead: str) -> Iterator[str]:
    """Yield that a cut cannot be promised, why, and an estimate without a confidence."""
    if cut["method"] == "everything":
        guess = "there is no estimate either, and it may take the whole library"
    else:
        guess = (
            f"the best guess, without a confidence, is {_percent(cut['estimate'])} of the library "
            f"({_percent(cut['low'])} to {_percent(cut['fraction'])})"
        )
    yield f"{lead} cannot be promised ({reasons_of(cut)}); {guess}."


def _carrying(cut: Mapping[str, Any], best: str, random: str, whom: str = "") -> Iterator[str]:
    """Yield what is promised instead, and what would carry a promise."""
    if offers := [f"{_offered(other, best)}, in {_within(other)}" for other in cut.get("instead", ())]:
        yield f"Promised instead{whom}: {'; '.join(offers)}."
    needed, fewest = cut.get("dockings_needed"), cut.get("dockings_model")
    now = f"now {cut['held_out']:,}"
    if needed and fewest:
        yield f"A promise may be had from {fewest:,} {random} on ({now}), and for certain from about {needed:,}."
    elif needed or fewest:
        yield f"A promise may be had from about {needed or fewest:,} {random} on ({now})."


def _within(cut: Mapping[str, Any]) -> str:
    return (
        "the whole library"
        if cut["method"] == "everything"
        else f"{_percent(cut['fraction'])} of the library"
    )


def _offered(cut: Mapping[str, Any], best: str) -> str:
    """Return what else is promised: of a share, or, by order statistics, of all beyond a score."""
    if cut["met"] or cut["method"] != "order statistics":
        return _goal(cut, best)
    goal = cut["goal"]
    if cut["score"] is None:  # so bad that the teacher tells no score
        return _goal(cut, best)
    return (
        f"{100 * goal['recall']:.3g} % of all with a score of {cut['score']:.4g} or better (about {best} "
        f"{_percent(cut['best'])}) with {100 * goal['confidence']:.3g} % confidence"
    )


def _range(cut: Mapping[str, Any]) -> str:
    if cut["method"] == "everything":
        return "it takes the whole library, since too few molecules were held out to guarantee less"
    return (
        f"{_percent(cut['fraction'])} of the library is enough (most likely {_percent(cut['estimate'])}, at "
        f"least {_percent(cut['low'])})"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def duration(seconds: float) -> str:
    """Return ``seconds`` in words, such as ``3 min 20 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def core_time(seconds: float) -> str:
    """Return core-seconds in the unit that fits."""
    for size, unit in ((3600.0, "core-hours"), (60.0, "core-minutes")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.3g} core-seconds"


def duration_short(seconds: float) -> str:
    """Return seconds with three figures below a minute, in words above."""
    return f"{seconds:.3g} s" if seconds < 60 else duration(seconds)


def interval(found: Estimate, digits: int = 2, percent: bool = False) -> str:
    """Return an estimate with its 95 % interval in words."""

    def shown(value: float) -> str:
        return f"{100 * value:.0f}" if percent else f"{value:.{digits}f}"

    unit = " %" if percent else ""
    if found.low != found.low:
        return f"{shown(found.value)}{unit}"
    return f"{shown(found.value)}{unit} (95 % interval {shown(found.low)} to {shown(found.high)}{unit})"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def times_word(ratio: float) -> str:
    """Return a ratio such as ``25 times`` with two or three figures."""
    return f"{ratio:,.0f} times" if ratio >= 20 else f"{ratio:.1f} times"
