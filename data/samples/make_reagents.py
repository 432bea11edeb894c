"""Write the sample building blocks (``*.smi`` in this folder).

    python -m docksieve.data.samples.make_reagents

They are combined from scaffolds and substituents that reagent catalogues are full of: substituted phenyls,
common heteroaryls, small alkyl groups and saturated azacycles, each with the functional group of its class.
The order, and so every id, is fixed.
"""

# ruff: noqa: SIM905 - lists of SMILES read better as text
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

SINGLE = "F Cl C OC C(F)(F)F C#N CC C(C)C OC(F)(F)F OCC SC N(C)C S(C)(=O)=O C(C)(C)C OC(F)F C1CC1".split()
PAIRED = "F Cl C OC C(F)(F)F C#N".split()

HETEROARYLS = """
c1ccccn1 c1cccnc1 c1ccncc1 c1cnccn1 c1cncnc1 c1ccnnc1 c1ccc(C)nc1 c1ccc(OC)nc1 c1ccnc(C)c1 c1cccc(C)n1
c1ccc(C(F)(F)F)nc1 c1cncc(F)c1 c1cncc(C)c1 c1ccc(F)nc1 c1cnc(C)nc1 c1cnc(OC)nc1 c1ccnc(OC)c1 c1ccco1 c1ccoc1
c1cccs1 c1ccsc1 c1ccc(C)o1 c1ccc(C)s1 c1ccc(Cl)s1 c1ccn(C)n1 c1cnn(C)c1 c1cc(C)on1 c1cc(C)no1 c1c(C)noc1C
c1cc(C)n(C)n1 c1c(C)nn(C)c1C c1csc(C)n1 c1cnc(C)s1 c1csc(C2CC2)n1 c1cnc(C)o1 c1cc(C2CC2)on1 c1ccc2ccccc2c1
c1cccc2ccccc12 c1ccc2[nH]ccc2c1 c1cc2ccccc2[nH]1 c1cn(C)c2ccccc12 c1ccc2n(C)ccc2c1 c1ccc2ncccc2c1 c1cnc2ccccc2c1
c1ccnc2ccccc12 c1ccc2nccnc2c1 c1cc2ccccc2o1 c1ccc2occc2c1 c1cc2ccccc2s1 c1ccc2sccc2c1 c1ccc2OCOc2c1 c1ccc2OCCOc2c1
c1ccc2nn(C)cc2c1 c1ccc2n(C)ncc2c1 c1ccc2[nH]ncc2c1 c1ccc2scnc2c1 c1ccc2ocnc2c1 c1cn2ccccc2n1 c1cnc2ccccn12 c1ccc2CCCc2c1
""".split()

ALKYLS = """
C CC CCC C(C)C CC(C)C CCCC C(C)(C)C CC(C)(C)C C1CC1 C1CCC1 C1CCCC1 C1CCCCC1 CC1CC1 CC1CCC1 CC1CCCC1 CC1CCCCC1
C1CCOC1 C1CCOCC1 CC1CCOCC1 CC1CCCO1 CCOC CCCOC C1CC(F)(F)C1 C1CCC(F)(F)CC1 CC(F)(F)F CCC(F)(F)F C(C)CC C(CC)CC
C1COC1 C1CC2CC2C1 C12CC(C1)C2 CC#N CCC#N C1CCSCC1 C1CCN(C(C)=O)CC1 C1CN(C(C)=O)C1 CCS(C)(=O)=O CC(=O)N(C)C
""".split()

CYCLIC_AMINES = """
N1CCC1 N1CCCC1 N1CCCCC1 N1CCCCCC1 N1CCOCC1 N1CCSCC1 N1CCS(=O)(=O)CC1 N1CCN(C)CC1 N1CCN(CC)CC1 N1CCN(C(C)C)CC1
N1CCN(C(C)=O)CC1 N1CCN(S(C)(=O)=O)CC1 N1CCN(CCOC)CC1 N1CCN(C2CC2)CC1 N1CCC(C)CC1 N1CCC(OC)CC1 N1CCC(F)CC1
N1CCC(F)(F)CC1 N1CCC(C#N)CC1 N1CCC(C(F)(F)F)CC1 N1CCC(C(N)=O)CC1 N1CCC(C(=O)OC)CC1 N1CCC(N(C)C)CC1
N1CCC(CO)CC1 N1CCC(O)CC1 N1CCC(C)(C)CC1 N1CCCC(C)C1 N1CCCC(F)(F)C1 N1CCCC(C(N)=O)C1 N1CCCC(COC)C1 N1CCCCC1C
N1CC(F)(F)C1 N1CC(OC)C1 N1CC(C#N)C1 N1CC(C)(C)C1 N1CC(F)C1 N1CC2(C1)COC2 N1CC2(C1)CCOCC2 N1CCC2(CC1)COC2
N1CCC2(CC1)CCOC2 N1CCC(F)C1 N1CCC(F)(F)C1 N1CCC(OC)C1 N1CCC(N(C)C)C1 N1CCC(C#N)C1 N1CCCC1C N1CCCC1COC
N1CCCC1C(N)=O N1CC2CC2C1 N1CC2COCC2C1 N1CC2CCCC2C1 N1CC(C)OC(C)C1 N1CCOC(C)C1 N1CC2CCC(C1)O2 N1C2CCC1COC2
N1CCc2ccccc2C1 N1CCc2cc(OC)c(OC)cc2C1 N1CCc2ccc(F)cc2C1 N1CCc2sccc2C1 N1CCc2ncccc2C1 N1CCc2n[nH]cc2C1
N1CCn2ccnc2C1 N1Cc2ccccc2C1 N1Cc2ccncc2C1 N1CCC(c2nc(C)no2)CC1 N1CCC(c2nnc(C)o2)CC1 N1CCC(n2cncn2)CC1
N1CCC(Oc2ccccn2)CC1 N1CCC(Oc2ccc(F)cc2)CC1 N1CCC(Cc2ccccc2)CC1 N1CCC(C(=O)N(C)C)CC1 N1CCCC1c1cccnc1 N1CCCC1c1ccccc1
N1CCCC1c1ccncc1 N1CCC(Cn2cccn2)CC1 N1CCC(N2CCCC2=O)CC1 N1CCCC(c2nc(C)no2)C1 N1CC(n2cccn2)C1 N1CC(Oc2cccnc2)C1
""".split()

OPEN_AMINES = """
NCCOC NCCCOC NCCN(C)C NCCCN(C)C NCCN1CCOCC1 NCCCN1CCOCC1 NCCN1CCCC1 NCC(=O)N(C)C NCCNC(C)=O NCCC(N)=O NCC(C)OC
NCC(F)F NCCS(C)(=O)=O NC1CCN(C)CC1 NC1CCN(C(C)=O)CC1 NCC1CCN(C)CC1 NCC1CCN(C(C)=O)CC1 NC1CCS(=O)(=O)CC1 NC1CCC(O)CC1
NC1CCC(OC)CC1 NCC1(O)CCCC1 NCC(C)(C)O NCC1(C)COC1 NC1(C#N)CCCC1 NC(C)C(N)=O NC(C)(C)C(N)=O N[C@@H](C)C(=O)OC
N[C@H](C)C(=O)OC N[C@@H](C(C)C)C(N)=O N[C@@H](CC(C)C)C(N)=O N[C@@H](Cc1ccccc1)C(N)=O N[C@@H](C)c1ccccc1
N[C@H](C)c1ccccc1 N[C@@H](C)c1ccc(F)cc1 N[C@H](C)c1ccc(F)cc1 N[C@@H](CO)c1ccccc1 NC1CCc2ccccc12 NC1CCCc2ccccc12
NCCc1c[nH]c2ccccc12 NCCc1ccc(O)cc1 NCCc1cnc[nH]1 NCCn1cccn1 NCCCn1ccnc1 NCC(c1ccccc1)N(C)C CNCC CNCCOC CNCCC#N
CNCC(=O)N(C)C CNC1CCOCC1 CNC1CCCCC1 CNC1CC1 CNCC1CC1 CNCC1CCOCC1 CNCCN(C)C CNC1CCN(C)CC1 CCNCC CCNCCOC COCCNCCOC
""".split()

ACTIVATED_HALIDES = """
Clc1ncccn1 Clc1nccc(C)n1 Clc1nc(C)cc(C)n1 Clc1ccncn1 Clc1cc(C)ncn1 Clc1cc(OC)ncn1 Clc1cc(C)nc(C)n1 Clc1cc(C(F)(F)F)ncn1
Clc1nccc(C(F)(F)F)n1 Clc1ncc(F)cn1 Clc1ncc(C)cn1 Clc1ncc(C#N)cn1 Clc1ncc(C(=O)OC)cn1 Clc1ncc(OC)cn1 Clc1ncc(CC)cn1
Clc1nccc(OC)n1 Clc1nccc(C2CC2)n1 Clc1nccc(-c2ccccc2)n1 Clc1ncnc2ccccc12 Clc1nc(C)nc2ccccc12 Clc1ncnc2ccc(F)cc12
Clc1ncnc2cc(OC)c(OC)cc12 Clc1ncnc2ccsc12 Clc1ncnc2sccc12 Clc1ncnc2sc(C)c(C)c12 Clc1ncnc2[nH]ccc12 Clc1ncnc2c1cnn2C
Clc1ncnc2n(C)ccc12 Clc1nc2ccccc2nc1 Clc1nc2ccccc2nc1C Clc1nc2ccccc2s1 Clc1nc2ccccc2o1 Clc1nc2ccccc2n1C Clc1ccc(C)nn1
Clc1ccc(OC)nn1 Clc1ccc(-c2ccccc2)nn1 Clc1ccc(C(F)(F)F)nn1 Clc1ccc2nncn2n1 Clc1ccc2nnc(C)n2n1 Clc1ccc2nccn2n1 Clc1cnccn1
Clc1cncc(C)n1 Clc1nccnc1C#N Clc1cncc(OC)n1 Clc1ncccc1C#N Clc1ccc(C#N)cn1 Clc1ccc(C(F)(F)F)cn1 Clc1ncccc1C(F)(F)F
Clc1ccc([N+](=O)[O-])cn1 Clc1ncccc1[N+](=O)[O-] Clc1ccc(S(C)(=O)=O)cn1 Clc1ccc(C(=O)OC)cn1 Clc1ccc(C(C)=O)cn1
Clc1ccnc(C#N)c1 Clc1ccnc2ccccc12 Clc1cc(C)nc2ccccc12 Clc1ccc2ccccc2n1 Clc1nccc2ccccc12 Clc1nc(C)ns1 Clc1nnc(C)s1
Clc1ncc(C)s1 Clc1ncc([N+](=O)[O-])s1 Fc1ccc([N+](=O)[O-])cc1 Fc1ccccc1[N+](=O)[O-] Fc1ccc([N+](=O)[O-])cc1C
Fc1ccc([N+](=O)[O-])cc1OC Fc1cc(C)ccc1[N+](=O)[O-] Fc1cc(OC)ccc1[N+](=O)[O-] Fc1ccc(C#N)cc1[N+](=O)[O-]
Fc1ccc(C(=O)OC)cc1[N+](=O)[O-] Fc1ccc(C(F)(F)F)cc1[N+](=O)[O-] Fc1ccc([N+](=O)[O-])cc1C#N
""".split()

ALCOHOLS = """
OC OCC OCCC OC(C)C OCC(C)C OC1CCC1 OC1CCCC1 OC1CCCCC1 OCC1CC1 OCC1CCC1 OCC1CCCC1 OCC1CCOCC1 OC1CCOCC1 OC1CCOC1
OCC1CCCO1 OCCOC OCCN(C)C OCCN1CCOCC1 OCCCN1CCOCC1 OCC(F)(F)F OCC1(C)COC1 OC1CCN(C)CC1 OC1CCN(C(C)=O)CC1 OCC1CCN(C)CC1
OCC#N OCCC#N OCCS(C)(=O)=O OC1CCc2ccccc12 OCCn1cccn1 OCCn1ccnc1 OCC(=O)N(C)C OCC1CCC(=O)N1 OC1CN(C(C)=O)C1 OC1COC1
""".split()

SKELETON = {"o": "c1c({0})cccc1", "m": "c1cc({0})ccc1", "p": "c1ccc({0})cc1"}
PAIR_SKELETONS = (
    "c1ccc({0})cc1{1}",
    "c1ccc({0})c({1})c1",
    "c1cc({0})cc({1})c1",
    "c1c({0})cccc1{1}",
    "c1cc({0})ccc1{1}",
)


def single_phenyls() -> list[str]:
    """Return phenyls with none or one substituent, the open valence first."""
    return ["c1ccccc1", *[SKELETON[at].format(group) for group in SINGLE for at in "omp"]]


def paired_phenyls() -> list[str]:
    """Return phenyls with two substituents, the open valence first."""
    pairs = [(a, b) for a in PAIRED for b in PAIRED]
    return [skeleton.format(a, b) for skeleton in PAIR_SKELETONS for a, b in pairs]


def attach(group: str, rests: Iterable[str]) -> list[str]:
    """Return ``group`` bonded to each of ``rests``."""
    return [group + rest for rest in rests]


def classes() -> dict[str, tuple[str, list[str], str, float]]:
    """Return for each class: id prefix, SMILES, the SMARTS it must match just once, and its heaviest weight."""
    single, paired = single_phenyls(), paired_phenyls()
    phenyls = single + paired
    rings = phenyls + HETEROARYLS
    amine = "[NX3;H1,H2;!$(N~[!#6]);!$(N-[C,S]=[!#6])]"
    return {
        "acids": (
            "AC",
            attach("OC(=O)", rings + ALKYLS)
            + attach("OC(=O)C", single + HETEROARYLS)
            + attach("OC(=O)CC", single[:25])
            + attach("OC(=O)CO", single)
            + attach("OC(=O)/C=C/", single[:13]),
            "C(=O)[OX2H1]",
            230,
        ),
        "amines": (
            "AM",
            CYCLIC_AMINES
            + OPEN_AMINES
            + attach("N", rings + ALKYLS)
            + attach("NC", rings + ALKYLS)
            + attach("NCC", single[:25])
            + attach("CNC", single)
            + attach("N1CCN(CC1)", single)
            + attach("N1CCC(CC1)", single[:25]),
            amine,
            230,
        ),
        "aldehydes": ("AL", attach("O=C", rings + ALKYLS[1:20]), "[CX3H1]=O", 220),
        "sulfonyl_chlorides": ("SC", attach("ClS(=O)(=O)", rings + ALKYLS[:12]), "S(=O)(=O)Cl", 265),
        "isocyanates": ("IC", attach("O=C=N", phenyls + ALKYLS[1:14]), "N=C=O", 220),
        "boronic_acids": ("BA", attach("OB(O)", rings), "cB(O)O", 230),
        "aryl_halides": (
            "AH",
            attach("Br", rings)
            + attach("Br", (SKELETON[at].format(group) for at in "mp" for group in POLAR)),
            "cBr",
            300,
        ),
        "activated_halides": ("XH", ACTIVATED_HALIDES, "c[F,Cl]", 260),
        "alkyl_halides": (
            "BH",
            attach("BrC", rings) + attach("BrCC(=O)", single) + attach("ClCC(=O)N", single),
            "[CH2X4;$(C-c),$(C-C=O)][Cl,Br]",
            290,
        ),
        "phenols": ("PH", attach("O", rings), "c[OX2H1]", 220),
        "alcohols": ("OH", ALCOHOLS + attach("OC", single + HETEROARYLS), "[CX4][OX2H1]", 220),
    }


POLAR = """
C(=O)NC C(=O)N(C)C C(N)=O NC(C)=O S(N)(=O)=O C(=O)OC C(C)=O CO N1CCOCC1 C(=O)N1CCOCC1 CN1CCOCC1 n1cccn1
""".split()


def usable(smiles: Iterable[str], smarts: str, heaviest: float) -> list[str]:
    """Return canonical SMILES, each once, of the molecules that match ``smarts`` once and are not too heavy."""
    pattern = Chem.MolFromSmarts(smarts)
    kept: dict[str, None] = {}
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            raise ValueError(f"{text} is not a molecule")
        if len(mol.GetSubstructMatches(pattern)) == 1 and rdMolDescriptors.CalcExactMolWt(mol) <= heaviest:
            kept[Chem.MolToSmiles(mol)] = None
    return list(kept)


def main() -> None:
    """Write every class to its file."""
    for name, (prefix, smiles, smarts, heaviest) in classes().items():
        reagents = usable(smiles, smarts, heaviest)
        lines = [f"{text} DS-{prefix}-{number:04d}\n" for number, text in enumerate(reagents, 1)]
        (Path(__file__).parent / f"{name}.smi").write_text("".join(lines))
        print(f"{name}: {len(reagents)}")


if __name__ == "__main__":
    main()
