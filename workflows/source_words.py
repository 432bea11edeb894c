"""Which earlier teachers a teacher was given, which it kept, and why, in plain sentences for log, status and report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def source_words(report: Mapping[str, Any], target: str | None = None) -> Iterator[str]:
    """Yield a sentence for each target of each source, and one if the figures of the teacher flatter it.

    Parameters
    ----------
    report : mapping
        Of a teacher (``Teacher.report``); those of older versions have less to say.
    target : str, optional
        Only how the sources rank the scores of this one.
    """
    for entry in report.get("sources", ()):
        ranks = ", ".join(
            f"{rank:.2f} for {name}" for name, rank in entry["spearman"].items() if target in (None, name)
        )
        gain = entry.get("log_evidence")
        named = f"earlier teacher of {entry['target']} ({str(entry['model'])[:12]})"
        if entry.get("kept", True):
            words = f"{named} used: it ranks the molecules docked here with a correlation of {ranks}"
            if gain is not None:
                words += (
                    f", and they are {gain:.3g} more likely (log evidence) with its predictions than without"
                )
        elif gain is None:
            words = (
                f"{named} not used: only {entry['judged']:,} of the molecules docked here are new to it, "
                "too few to judge it by"
            )
        else:
            words = (
                f"{named} not used: the scores docked here are no likelier with its predictions (log evidence "
                f"{gain:.3g}; rank correlation {ranks})"
            )
        yield words + _memory_words(entry)
    flattered = report.get("remembered", {})
    if flattered.get("molecules"):
        if flattered["left_out"]:
            yield (
                f"{flattered['molecules']:,} molecules that earlier teachers learned from are left out of this "
                "teacher's figures, which they would flatter"
            )
        else:
            yield (
                "the figures of this teacher flatter it: an earlier teacher learned from "
                f"{flattered['molecules']:,} of the molecules docked here, and hardly any other is left to judge by"
            )


def _memory_words(entry: Mapping[str, Any]) -> str:
    """Return what is known of molecules that a source learned from, among those docked now."""
    if "learned" not in entry:
        return ""
    learned = entry["learned"]
    if learned is None:
        return "; which molecules it learned from is not known"
    if not learned:
        return ""
    fair = entry["judged"] == entry["docked"]
    how = "its cross-validated predictions stand there" if fair else "it is judged by the others alone"
    return f"; it learned from {learned:,} of them: {how}"
