"""Every column of an answer: what it means, its unit, and which end is the good one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    unit : str
        Empty for text and plain numbers.
    what : str
    """

    name: str
    unit: str
    what: str


_SCORE = "the target's unit"

COLUMNS: tuple[Column, ...] = (
    Column("rank", "", "place in the ranking that was asked for, from 1, before any condition"),
    Column("target", "", "name of the target; across targets: the one that decides"),
    Column("id", "", "the vendor's id, as in the library"),
    Column("smiles", "", "standard SMILES"),
    Column("final_score", _SCORE, "score of the final docking; better end: as the target says"),
    Column("docked_score", _SCORE, "score of the rounds' docking; better end: as the target says"),
    Column("predicted_mean", _SCORE, "the model's prediction of docked_score"),
    Column("predicted_spread", _SCORE, "standard deviation of that prediction; smaller is surer"),
    Column("similarity", "0 to 1", "to the nearest docked molecule, as the teacher saw it"),
    Column("novel", "true, false", "whether the molecule is unlike all that the teacher learnt from"),
    Column("unit", "", "unit of the scores"),
    Column("docked_round", "", "round in which it was docked; 0 is the seed sample"),
    Column("predicted_round", "", "round whose model predicted it"),
    Column("model", "", "id of that model: teacher, or student where ranked by screened"),
    Column("pose", "", "where the pose is: file of the campaign, #, row in it"),
    Column("final_pose", "", "the same, of the final docking"),
    Column("row", "", "row of the library, from 0"),
    Column("heavy_atoms", "", "atoms that are not hydrogen"),
    Column("weight", "Da", "average molecular weight"),
    Column("logp", "", "Crippen's logP"),
    Column("tpsa", "square angstrom", "topological polar surface area"),
    Column("donors", "", "hydrogen-bond donors as RDKit counts them"),
    Column("acceptors", "", "hydrogen-bond acceptors as RDKit counts them"),
    Column("rotatable_bonds", "", "rotatable bonds (RDKit, strict)"),
    Column("rings", "", "rings (smallest set)"),
    Column("fsp3", "0 to 1", "share of carbons that are sp3"),
    Column("charge", "e", "formal charge"),
    Column("unassigned_stereocentres", "", "stereocentres without a given configuration"),
)
ON_REQUEST: tuple[Column, ...] = (
    Column(
        "predicted_low",
        _SCORE,
        "lower end of the recalibrated 95 % interval; ranked by predicted or combined",
    ),
    Column("predicted_high", _SCORE, "upper end of it; empty: unbounded, or nothing to recalibrate from"),
    Column(
        "combined_score",
        _SCORE,
        "docked_score, else predicted_mean made worse by so many spreads as --caution says",
    ),
    Column(
        "lipinski_violations",
        "",
        "how many of weight <= 500, logP <= 5, donors <= 5, acceptors <= 10 are broken",
    ),
    Column(
        "qed", "0 to 1", "quantitative estimate of drug-likeness (Bickerton et al. 2012); larger is better"
    ),
    Column("pains", "", "PAINS alerts that match, by name; empty: none"),
    Column("brenk", "", "Brenk's alerts that match; empty: none"),
    Column("nih", "", "alerts of the NIH's collection that match; empty: none"),
    Column("scaffold", "", "SMILES of the Bemis-Murcko scaffold; empty: no ring"),
    Column("parent", "", "the same for stereoisomers, tautomers and protonation states of one compound"),
    Column("other_ids", "", "further ids under which the input of the library had the same molecule"),
    Column("failure", "", "why its docking gave no score (--with-failed)"),
    Column("query_similarity", "0 to 1", "to the most similar of the molecules asked for (Morgan, radius 2)"),
    Column("query_match", "", "SMILES of that molecule"),
    Column("known_similarity", "0 to 1", "to the most similar known molecule (Morgan, radius 2)"),
    Column("known_match", "", "SMILES of that molecule"),
    Column(
        "selectivity", _SCORE, "how much better for the first target than for the second; larger is better"
    ),
    Column("worst_score", _SCORE, "the worst of the scores across targets; as percentiles if units differ"),
)
"""Columns that are there where the question makes or asks for them."""
