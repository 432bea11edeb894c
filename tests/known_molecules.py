"""Molecules that tests share: drugs, and over a thousand amides."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdChemReactions

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "CC(=O)Nc1ccc(O)cc1",
    "COc1ccc2cc(ccc2c1)C(C)C(=O)O",
    "CN1CCC[C@H]1c1cccnc1",
    "Clc1ccc(cc1)C(c1ccccc1)N1CCN(CCOCCO)CC1",
    "CC(C)NCC(O)COc1cccc2ccccc12",
    "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1",
    "CN(C)CCCN1c2ccccc2CCc2ccccc12",
    "Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccc(CN2CCN(C)CC2)cc1",
    "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1",
    "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "Cc1oncc1C(=O)Nc1ccc(cc1)C(F)(F)F",
    "OC(=O)COc1ccc(Cl)cc1Cl",
    "NS(=O)(=O)c1cc(C(=O)O)c(NCc2ccco2)cc1Cl",
    "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F",
    "CCOC(=O)C1=C(COCCN)NC(C)=C(C1c1ccccc1Cl)C(=O)OC",
    "CC1=C(C(C(=C(N1)C)C(=O)OC)c1ccccc1[N+](=O)[O-])C(=O)OC",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc12",
    "O=C1CN=C(c2ccccc2)c2cc(ccc2N1)[N+](=O)[O-]",
    "OC(Cn1cncn1)(Cn1cncn1)c1ccc(F)cc1F",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
    "CN(C)C(=N)NC(N)=N",
    "COc1ccc(CCN(C)CCCC(C#N)(C(C)C)c2ccc(OC)c(OC)c2)cc1OC",
    "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "Nc1nc(=O)c2ncn(COCCO)c2[nH]1",
    "CC(C)c1nc(CN(C)C(=O)N[C@@H](C(C)C)C(N)=O)cs1",
    "CS(=O)(=O)c1ccc(cc1)C1=C(C(=O)OC1)c1ccccc1",
    "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1",
    "CC(C)n1c(/C=C/C(O)CC(O)CC(=O)O)c(-c2ccc(F)cc2)c2ccccc12",
    "O=c1[nH]cnc2[nH]ncc12",
    "Nc1ncnc2n(cnc12)C1OC(CO)C(O)C1O",
    "CCN(CC)CCNC(=O)c1ccc(N)cc1",
    "CC12CCC3C(CCC4=CC(=O)CCC34C)C1CCC2O",
    "OC1(CCN(CCCC(=O)c2ccc(F)cc2)CC1)c1ccc(Cl)cc1",
]


ACIDS = [
    "c1ccccc1",
    "c1ccncc1",
    "Cc1ccccc1",
    "c1ccc(F)cc1",
    "c1ccc(Cl)cc1",
    "c1ccc(OC)cc1",
    "C1CCCCC1",
    "C1CCOCC1",
    "c1ccsc1",
    "c1ccoc1",
    "CC(C)C",
    "CCC",
    "c1ccc2ccccc2c1",
    "c1ccc2[nH]ccc2c1",
    "Cc1nocc1C",
    "c1cnccn1",
    "CC1CC1",
    "Cn1cccc1",
    "c1ccc(C(F)(F)F)cc1",
    "c1ccc(-c2ccccc2)cc1",
]


AMINES = [
    "CCN",
    "CCCN",
    "C1CCNCC1",
    "C1COCCN1",
    "CN1CCNCC1",
    "NCc1ccccc1",
    "NCc1ccncc1",
    "NC1CCCC1",
    "NCCO",
    "NCC(F)(F)F",
    "Nc1ccccc1",
    "Nc1cccnc1",
    "NCc1ccco1",
    "NC1CCOCC1",
    "NCCc1ccccc1",
    "Nc1ccc(Cl)cc1",
    "Nc1ccc(OC)cc1",
    "NCC1CC1",
    "CNCc1ccccc1",
    "C1CCc2ccccc2N1",
    "NCCN1CCOCC1",
    "Nc1nccs1",
]


def all_amides() -> list[str]:
    reaction = rdChemReactions.ReactionFromSmarts(
        "[c,C;h:1].[N;!H0;+0;!$(N~[!#6]);!$([n]):2]>>[*:1]C(=O)[N:2]"
    )
    found = set()
    for acid in ACIDS:
        for amine in AMINES:
            for products in reaction.RunReactants((Chem.MolFromSmiles(acid), Chem.MolFromSmiles(amine))):
                mol = products[0]
                if Chem.SanitizeMol(mol, catchErrors=True) == 0:
                    found.add(Chem.MolToSmiles(mol))
    return sorted(found)
