"""Counter-ions and solvents that chemists make salts with: what is never the molecule that an entry is about.

RDKit's own list (``FragmentRemover``) is applied first; these come on top of it. They are compared as whole
fragments, neutral and without stereochemistry.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

BASES = (
    "CNCC(O)C(O)C(O)C(O)CO",  # meglumine
    "NCC(O)C(O)C(O)C(O)CO",  # glucamine
    "CCNCC(O)C(O)C(O)C(O)CO",  # eglumine
    "CCCCCCCCNCC(O)C(O)C(O)C(O)CO",  # N-octylglucamine
    "NC(CO)(CO)CO",  # tromethamine
    "C[N+](C)(C)CCO",  # choline
    "C[N+](C)(C)CC(=O)O",  # betaine
    "NCCCCC(N)C(=O)O",  # lysine
    "NC(=N)NCCCC(N)C(=O)O",  # arginine
    "NCCCC(N)C(=O)O",  # ornithine
    "NC(Cc1c[nH]cn1)C(=O)O",  # histidine
    "NCC(=O)O",  # glycine
    "NCCO",  # olamine
    "OCCNCCO",  # diolamine
    "OCCN(CCO)CCO",  # trolamine
    "CC(O)CNCC(C)O",  # diisopropanolamine
    "CN(C)CCO",  # deanol
    "CCN(CC)CCO",  # diethylaminoethanol
    "OCCN1CCCC1",  # epolamine
    "OCCN1CCOCC1",  # hydroxyethylmorpholine
    "CC(C)(N)CO",  # aminomethylpropanol
    "NCCN",  # ethylenediamine
    "c1ccccc1CNCCNCc1ccccc1",  # benzathine
    "c1ccccc1CCNCc1ccccc1",  # benethamine
    "C1CCCCC1NC1CCCCC1",  # dicyclohexylamine
    "NC1CCCCC1",  # cyclohexylamine
    "CC(C)(C)N",  # erbumine
    "CCN(CC)CC",  # triethylamine
    "CCNCC",  # diethylamine
    "CCN",  # ethylamine
    "CNC",  # dimethylamine
    "CN(C)C",  # trimethylamine
    "CN",  # methylamine
    "CC(C)N",  # isopropylamine
    "CC(C)NC(C)C",  # diisopropylamine
    "CCN(C(C)C)C(C)C",  # Huenig's base
    "CCCCN(CCCC)CCCC",  # tributylamine
    "CCCC[N+](CCCC)(CCCC)CCCC",  # tetrabutylammonium
    "CC[N+](CC)(CC)CC",  # tetraethylammonium
    "C[N+](C)(C)C",  # tetramethylammonium
    "CCCCCCCC[N+](C)(CCCCCCCC)CCCCCCCC",  # methyltrioctylammonium
    "C[N+](C)(C)Cc1ccccc1",  # benzyltrimethylammonium
    "C1CNCCN1",  # piperazine
    "C1CCNCC1",  # piperidine
    "C1CCNC1",  # pyrrolidine
    "C1COCCN1",  # morpholine
    "CN1CCOCC1",  # N-methylmorpholine
    "C1CN2CCN1CC2",  # DABCO
    "C1CCC2=NCCCN2CC1",  # DBU
    "CN(C)c1ccncc1",  # DMAP
    "c1ccncc1",  # pyridine
    "Cc1ccccn1",  # picoline
    "Cc1cccc(C)n1",  # lutidine
    "c1c[nH]cn1",  # imidazole
    "NC(=N)N",  # guanidine
    "CC(N)c1ccccc1",  # phenylethylamine
    "NCc1ccccc1",  # benzylamine
    "c1ccc(cc1)[P+](c1ccccc1)(c1ccccc1)c1ccccc1",  # tetraphenylphosphonium
    "c1ccc(cc1)[P+](c1ccccc1)(c1ccccc1)N=P(c1ccccc1)(c1ccccc1)c1ccccc1",  # PPN
)
"""Bases, with quaternary ammonium and phosphonium ions: an acid beside one of them is what is meant."""

ACIDS = (
    "Cc1ccc(cc1)S(=O)(=O)O",  # tosylate
    "c1ccccc1S(=O)(=O)O",  # besylate
    "Oc1ccc(cc1)S(=O)(=O)O",  # hydroxybenzenesulfonate
    "Clc1ccc(cc1)S(=O)(=O)O",  # closylate
    "Cc1cc(C)c(c(C)c1)S(=O)(=O)O",  # mesitylenesulfonate, of aminating reagents
    "c1ccc2cc(ccc2c1)S(=O)(=O)O",  # napsylate
    "c1ccc2c(c1)cccc2S(=O)(=O)O",  # 1-naphthalenesulfonate
    "OS(=O)(=O)c1cccc2c1cccc2S(=O)(=O)O",  # napadisylate
    "CS(=O)(=O)O",  # mesylate
    "CCS(=O)(=O)O",  # esylate
    "OS(=O)(=O)CCS(=O)(=O)O",  # edisylate
    "OCCS(=O)(=O)O",  # isethionate
    "NCCS(=O)(=O)O",  # taurine
    "OS(=O)(=O)NC1CCCCC1",  # cyclamate
    "OS(=O)(=O)C(F)(F)F",  # triflate
    "FC(F)(F)S(=O)(=O)NS(=O)(=O)C(F)(F)F",  # bistriflimide
    "COS(=O)(=O)O",  # methylsulfate
    "CCOS(=O)(=O)O",  # ethylsulfate
    "CCCCCCCCCCCCOS(=O)(=O)O",  # lauryl sulfate
    "CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2",  # camsylate
    "OC(=O)c1cc(ccc1O)S(=O)(=O)O",  # sulfosalicylate
    "OC(=O)C(F)(F)F",  # trifluoroacetate
    "OC(=O)C(Cl)(Cl)Cl",  # trichloroacetate
    "OC=O",  # formate
    "CC(=O)O",  # acetate
    "CCC(=O)O",  # propionate
    "CC(C)(C)C(=O)O",  # pivalate
    "OCC(=O)O",  # glycolate
    "CC(O)C(=O)O",  # lactate
    "CC(=O)C(=O)O",  # pyruvate
    "OC(=O)C(=O)O",  # oxalate
    "OC(=O)CC(=O)O",  # malonate
    "OC(=O)CCC(=O)O",  # succinate
    "OC(=O)CCCC(=O)O",  # glutarate
    "OC(=O)CCCCC(=O)O",  # adipate
    "OC(=O)CCCCCCC(=O)O",  # suberate
    "OC(=O)CCCCCCCC(=O)O",  # azelate
    "OC(=O)CCCCCCCCC(=O)O",  # sebacate
    "OC(=O)C=CC(=O)O",  # fumarate, maleate
    "CC=CC=CC(=O)O",  # sorbate
    "OC(=O)CC(O)C(=O)O",  # malate
    "OC(=O)C(O)C(O)C(=O)O",  # tartrate
    "OC(=O)CC(O)(CC(=O)O)C(=O)O",  # citrate
    "OC(=O)CCC(=O)C(=O)O",  # oxoglutarate
    "OC(=O)C(OC(=O)c1ccccc1)C(OC(=O)c1ccccc1)C(=O)O",  # dibenzoyltartrate
    "Cc1ccc(cc1)C(=O)OC(C(OC(=O)c1ccc(C)cc1)C(=O)O)C(=O)O",  # ditoluoyltartrate
    "OC(=O)CCC(N)C(=O)O",  # glutamate
    "OC(=O)CC(N)C(=O)O",  # aspartate
    "OC(=O)C1CCC(=O)N1",  # pidolate
    "CC(=O)NCC(=O)O",  # aceturate
    "OC(=O)CNC(=O)c1ccccc1",  # hippurate
    "OCC(O)C(O)C(O)C(O)C(=O)O",  # gluconate
    "OCC(O)C(O)C(O)C(O)C(O)C(=O)O",  # gluceptate
    "OC1C(O)C(O)C(C(=O)O)OC1O",  # glucuronate
    "OC(=O)C(O)C(O)C(O)C(O)C(=O)O",  # galactarate
    "OCC(O)C(OC1OC(CO)C(O)C(O)C1O)C(O)C(O)C(=O)O",  # lactobionate
    "OCC(O)C1OC(=O)C(O)=C1O",  # ascorbate
    "OCC(O)C(O)C(O)C(=O)O",  # pentonates
    "OC(=O)C(O)c1ccccc1",  # mandelate
    "OC(=O)c1ccccc1",  # benzoate
    "OC(=O)c1ccccc1O",  # salicylate
    "OC(=O)c1ccc(O)cc1",  # paraben's acid
    "OC(=O)c1cc(O)ccc1O",  # gentisate
    "OC(=O)c1cc(O)c(O)c(O)c1",  # gallate
    "COc1ccc(cc1)C(=O)O",  # anisate
    "Nc1ccc(C(=O)O)c(O)c1",  # aminosalicylate
    "OC(=O)c1ccccc1C(=O)c1ccc(O)cc1",  # hybenzate
    "OC(=O)C=Cc1ccccc1",  # cinnamate
    "OC(=O)c1cccnc1",  # nicotinate
    "OC(=O)c1cc(=O)[nH]c(=O)[nH]1",  # orotate
    "OC(=O)c1ccccc1C(=O)O",  # phthalate
    "OC(=O)c1ccc(cc1)C(=O)O",  # terephthalate
    "OC(=O)c1cc2ccccc2cc1O",  # hydroxynaphthoate
    "OC(=O)c1ccc2ccccc2c1O",  # xinafoate
    "OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(=O)O)c1O",  # pamoate
    "Oc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]",  # picrate
    "O=C1NS(=O)(=O)c2ccccc12",  # saccharinate
    "Cn1c2nc(Cl)[nH]c2c(=O)n(C)c1=O",  # teoclate
    "CC1=CC(=O)NS(=O)(=O)O1",  # acesulfame
    "OC1C(O)C(O)C(O)C(O)C1O",  # inositol
    "CCCCCCCC(=O)O",  # caprylate
    "CCCCCCCCCC(=O)O",  # caprate
    "C=CCCCCCCCCC(=O)O",  # undecylenate
    "CCCCCCCCCCCC(=O)O",  # laurate
    "CCCCCCCCCCCCCC(=O)O",  # myristate
    "CCCCCCCCCCCCCCCC(=O)O",  # palmitate
    "CCCCCCCCCCCCCCCCCC(=O)O",  # stearate
    "CCCCCCCCC=CCCCCCCCC(=O)O",  # oleate
    "OC(=O)CN(CCN(CC(=O)O)CC(=O)O)CC(=O)O",  # edetate
    "N#CS",  # thiocyanate
    "C#N",  # cyanide
    "NC(N)=O",  # urea
    "F[P-](F)(F)(F)(F)F",  # hexafluorophosphate
    "F[B-](F)(F)F",  # tetrafluoroborate
    "c1ccc(cc1)[B-](c1ccccc1)(c1ccccc1)c1ccccc1",  # tetraphenylborate
    "OP(=O)(O)O",  # phosphate
    "OS(=O)(=O)O",  # sulfate
    "OS(=O)(=O)OS(O)(=O)=O",  # disulfate
    "O=[N+]([O-])O",  # nitrate
    "OCl(=O)(=O)=O",  # perchlorate
    "OC(=O)O",  # carbonate
)
"""Acids, with what crystals hold beside them. Some are drugs, too: they go where something else is left."""


def counter_ion_class(fragment: Any) -> int:
    """Return 2 for a base of the list, 1 for an acid, 0 for anything else.

    Parameters
    ----------
    fragment : rdkit Mol
        One whole fragment, charged or not.
    """
    return _known().get(_key(fragment), 0)


@cache
def _known() -> dict[str, int]:
    known = {_key(Chem.MolFromSmiles(text)): 1 for text in ACIDS}
    return known | {_key(Chem.MolFromSmiles(text)): 2 for text in BASES}


@cache
def _uncharger() -> Any:
    return rdMolStandardize.Uncharger(True, True)  # in canonical order; even where a cation stays


def _key(mol: Any) -> str:
    plain = _uncharger().uncharge(Chem.Mol(mol))
    return str(Chem.MolToSmiles(plain, isomericSmiles=False))
