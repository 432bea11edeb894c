"""Crippen's logP from graph arrays: RDKit's atom types, decided by counting neighbours instead of 110 SMARTS.

S. A. Wildman and G. M. Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999), with the types, contributions and
order of types of RDKit, whose values these are to the last stored bit. Contributions are added as integers
(1e-5), so that the sum does not depend on the order of the atoms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel
from .graph import Graphs


def crippen_logp(graphs: Graphs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logP of each molecule, and whether it is known.

    Returns
    -------
    logp : array of float64, shape (n,)
    known : array of bool, shape (n,)
        False: left to RDKit, as :attr:`Graphs.ok`, or because of an oxygen or halogen as an odd ion.
    """
    total = np.zeros(len(graphs.ok), np.int64)
    known = graphs.ok.copy()
    _logp(
        graphs.first_atom, graphs.element, graphs.hydrogens, graphs.aromatic, graphs.charge, graphs.degree,
        graphs.neighbour, graphs.order, total, known,
    )  # fmt: skip
    return total / 100_000.0, known


@kernel
def _logp(
    first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any, degree: Any, neighbour: Any,
    order: Any, total: Any, known: Any,
) -> None:  # fmt: skip
    """Add up contributions of atoms and hydrogens, in 1e-5; names of types as in RDKit's table."""
    for molecule in range(len(known)):
        if not known[molecule]:
            continue
        value = 0
        for atom in range(first_atom[molecule], first_atom[molecule + 1]):
            number, hs, ion = element[atom], hydrogens[atom], charge[atom]
            connections = degree[atom] + hs
            # Neighbours through single bonds (s_) and double bonds (d_). By element they are not aromatic, unless
            # the name says "arom" or "any"; "plain" is any that is not, "hetero" any of those but carbon.
            s_c, s_n, s_o, s_s, s_p, s_hetero, s_plain = 0, 0, 0, 0, 0, 0, 0
            s_f, s_cl, s_br, s_i = 0, 0, 0, 0
            s_arom_c, s_arom, s_any_n, s_any_s = 0, 0, 0, 0
            d_c, d_n, d_o, d_s, d_p, d_plain = 0, 0, 0, 0, 0, 0
            d_arom_c, d_arom, d_any_n, d_any_o, d_anion_n, d_neutral_s = 0, 0, 0, 0, 0, 0
            triple, triple_arom, bonds_arom = 0, 0, 0
            double_at = -1  # the neighbour through the double bond
            single_at = -1  # the last neighbour through a single bond
            for place in range(degree[atom]):
                other = neighbour[atom, place]
                kind, far, arom = order[atom, place], element[other], aromatic[other]
                if kind == 4:
                    bonds_arom += 1
                elif kind == 1:
                    single_at = other
                    if arom:
                        s_arom += 1
                        if far == 6:
                            s_arom_c += 1
                    else:
                        s_plain += 1
                        if far == 6:
                            s_c += 1
                        else:
                            s_hetero += 1  # N, O, P, S and halogens are all that graphs hold
                            if far == 7:
                                s_n += 1
                            elif far == 8:
                                s_o += 1
                            elif far == 16:
                                s_s += 1
                            elif far == 15:
                                s_p += 1
                    if far == 7:
                        s_any_n += 1
                    elif far == 16:
                        s_any_s += 1
                    elif far == 9:
                        s_f += 1
                    elif far == 17:
                        s_cl += 1
                    elif far == 35:
                        s_br += 1
                    elif far == 53:
                        s_i += 1
                elif kind == 2:
                    double_at = other
                    if arom:
                        d_arom += 1
                        if far == 6:
                            d_arom_c += 1
                    else:
                        d_plain += 1
                        if far == 6:
                            d_c += 1
                        elif far == 7:
                            d_n += 1
                            if charge[other] < 0:
                                d_anion_n += 1
                        elif far == 8:
                            d_o += 1
                        elif far == 16:
                            d_s += 1
                        elif far == 15:
                            d_p += 1
                    if far == 7:
                        d_any_n += 1
                    elif far == 8:
                        d_any_o += 1
                    elif far == 16 and charge[other] == 0:
                        d_neutral_s += 1
                elif arom:
                    triple_arom += 1
                else:
                    triple += 1
            single = s_plain + s_arom
            double = d_plain + d_arom

            if number == 6 and not aromatic[atom]:
                if hs == 4 or (hs == 3 and s_c >= 1) or (hs == 2 and s_c >= 2):
                    value += 14410  # C1
                elif (hs == 1 and s_c >= 3) or s_c >= 4:
                    pass  # C2 is zero
                elif (hs == 3 and s_hetero >= 1) or (
                    hs == 2 and connections == 4 and s_hetero >= 1 and s_plain >= 2
                ):
                    value += -20350  # C3
                elif (
                    connections == 4
                    and s_hetero >= 1
                    and ((hs == 1 and s_plain >= 3) or (hs == 0 and s_plain >= 4))
                ):
                    value += -20510  # C4
                elif d_plain > d_c:
                    value += -27830  # C5
                elif d_c >= 2 or (
                    d_c == 1 and (hs == 2 or (hs == 1 and s_plain >= 1) or (hs == 0 and s_plain >= 2))
                ):
                    value += 15510  # C6
                elif connections == 2 and triple >= 1:
                    value += 170  # C7
                elif hs == 3 and s_arom_c >= 1:
                    value += 8452  # C8
                elif hs == 3 and s_arom >= 1:
                    value += -14440  # C9
                elif hs == 2 and connections == 4 and s_arom >= 1:
                    value += -5160  # C10
                elif hs == 1 and connections == 4 and s_arom >= 1:
                    value += 11930  # C11
                elif hs == 0 and connections == 4 and s_arom >= 1:
                    value += -9670  # C12
                elif (
                    d_c >= 1 and s_arom >= 1 and (s_plain >= 1 or hs == 1 or (s_arom_c >= 1 and s_arom >= 2))
                ) or d_arom_c >= 1:
                    value += 26400  # C26
                else:
                    value += 8129  # CS
            elif number == 6:
                if hs == 0 and s_p >= 1:
                    value += -54430  # C13
                elif s_f >= 1:
                    pass  # C14 is zero
                elif s_cl >= 1:
                    value += 24500  # C15
                elif s_br >= 1:
                    value += 19800  # C16
                elif s_i >= 1:
                    pass  # C17 is zero
                elif hs == 1:
                    value += 15810  # C18
                elif bonds_arom >= 3:
                    value += 29550  # C19
                elif bonds_arom >= 2 and s_arom >= 1:
                    value += 27130  # C20
                elif bonds_arom >= 2 and s_c >= 1:
                    value += 13600  # C21
                elif bonds_arom >= 2 and s_n >= 1:
                    value += 46190  # C22
                elif bonds_arom >= 2 and s_o >= 1:
                    value += 54370  # C23
                elif bonds_arom >= 2 and s_s >= 1:
                    value += 18930  # C24
                elif bonds_arom >= 2 and d_c + d_n + d_o >= 1:
                    value += -81860  # C25
                else:
                    value += 8129  # CS
            elif number == 7 and not aromatic[atom]:
                neutral = ion == 0
                if neutral and hs == 2 and s_plain >= 1:
                    value += -101900  # N1
                elif neutral and hs == 1 and s_plain >= 2:
                    value += -70960  # N2
                elif neutral and hs == 2 and s_arom >= 1:
                    value += -102700  # N3
                elif neutral and hs == 1 and s_arom >= 1 and single >= 2:
                    value += -51880  # N4
                elif neutral and hs == 1 and double >= 1:
                    value += 8387  # N5
                elif neutral and double >= 1 and single >= 1:
                    value += 18360  # N6
                elif neutral and s_plain >= 3:
                    value += -31870  # N7
                elif neutral and single >= 3:
                    value += -44580  # N8
                elif neutral and triple >= 1:
                    value += 1508  # N9
                elif ion > 0 and 1 <= hs <= 3:
                    value += -195000  # N10
                elif (ion > 0 and hs == 0) and (
                    s_plain >= 4
                    or (d_plain >= 1 and s_plain >= 1 and single >= 2)
                    or (d_c + d_arom_c >= 1 and d_any_n >= 1)
                ):
                    value += -33960  # N13
                elif ion < 0 or (ion > 0 and (triple >= 1 or (d_anion_n >= 1 and d_n >= 2))):
                    value += 28870  # N14
                else:
                    value += -48060  # NS
            elif number == 7:
                if ion == 0:
                    value += -32390  # N11
                elif ion > 0:
                    value += -111900  # N12
                else:
                    value += -48060  # NS
            elif number == 8 and aromatic[atom]:
                value += 15520  # O1
            elif number == 8:
                terminal_anion = ion < 0 and connections == 1
                # The carbonyl's or carboxylate's carbon: what else it holds.
                c_h, c_double_o, c_s_c, c_s_plain = 0, 0, 0, 0
                c_s_arom_c, c_s_arom, c_s_n_o, c_s_hetero = 0, 0, 0, 0
                carbon = double_at if double_at >= 0 else single_at
                if carbon >= 0 and element[carbon] == 6 and not aromatic[carbon]:
                    c_h = hydrogens[carbon]
                    for place in range(degree[carbon]):
                        other = neighbour[carbon, place]
                        far = element[other]
                        if order[carbon, place] == 2:
                            if far == 8 and not aromatic[other]:
                                c_double_o += 1
                        elif order[carbon, place] == 1:
                            if aromatic[other]:
                                c_s_arom += 1
                                if far == 6:
                                    c_s_arom_c += 1
                            else:
                                c_s_plain += 1
                                if far == 6:
                                    c_s_c += 1
                                elif far == 7 or far == 8:
                                    c_s_n_o += 1
                            if far != 6:
                                c_s_hetero += 1
                if hs == 1 or hs == 2:
                    value += -28930  # O2
                elif s_plain >= 2:
                    value += -6840  # O3
                elif s_arom >= 1 and single >= 2:
                    value += -41950  # O4
                elif d_any_n + d_any_o >= 1 or (terminal_anion and s_any_n >= 1):
                    value += 3350  # O5
                elif (terminal_anion and s_any_s >= 1) or (ion == 0 and d_neutral_s >= 1):
                    value += -33390  # O6
                elif ion == -1 and s_c >= 1 and c_double_o >= 1:
                    value += -132600  # O12
                elif terminal_anion and single >= 1 and s_n == 0 and s_s == 0:
                    value += -118900  # O7
                elif d_arom_c >= 1:
                    value += 17880  # O8
                elif d_c >= 1 and (
                    (c_h == 1 and (c_s_c >= 1 or c_s_n_o >= 1))
                    or (c_s_c >= 1 and c_s_plain >= 2)
                    or c_h == 2
                    or (degree[carbon] + c_h == 2 and c_double_o >= 2)
                ):
                    value += -15260  # O9
                elif d_c >= 1 and (
                    (c_h == 1 and c_s_arom_c >= 1)
                    or (c_s_c >= 1 and c_s_arom >= 1)
                    or (c_s_arom_c >= 1 and c_s_arom >= 2)
                    or (c_s_arom_c >= 1 and c_s_plain >= 1)
                ):
                    value += 11290  # O10
                elif d_c >= 1 and c_s_hetero >= 2:
                    value += 48330  # O11
                else:
                    value += -11880  # OS
            elif number == 16:
                if aromatic[atom]:
                    value += 62370  # S3
                elif ion != 0 or d_n + d_o + d_p + d_s >= 1:
                    value += -240  # S2
                else:
                    value += 64820  # S1
            elif number == 15:
                value += 86120
            elif ion != 0:
                known[molecule] = False
                break
            elif number == 9:
                value += 42020
            elif number == 17:
                value += 68950
            elif number == 35:
                value += 84560
            elif number == 53:
                value += 88570
            if aromatic[atom] and triple + triple_arom > 0:
                known[molecule] = False
                break

            if not hs:
                continue
            if number == 6:
                value += 12300 * hs  # H1
            elif number == 7:
                value += 21420 * hs  # H3
            elif number == 8 and not aromatic[atom]:
                if hs != 1 or degree[atom] != 1 or single != 1 or ion != 0:
                    known[molecule] = False
                    break
                far, arom = element[single_at], aromatic[single_at]
                if far == 6:
                    if arom or degree[single_at] + hydrogens[single_at] == 4:
                        value += -26770  # H2
                    else:
                        acid = False
                        for place in range(degree[single_at]):
                            other = neighbour[single_at, place]
                            if order[single_at, place] == 2:
                                beyond = element[other]
                                acid = acid or beyond == 6 or beyond == 7
                                acid = acid or ((beyond == 8 or beyond == 16) and not aromatic[other])
                        value += 29800 if acid else 11250  # H4, HS
                elif far == 7:
                    value += 21420  # H3
                elif far == 8 or far == 16:
                    value += 11250 if arom else 29800  # HS, H4
                else:
                    value += -26770  # H2
            else:
                value += -26770 * hs  # H2
        total[molecule] = value
