"""Names of the PDB's chemical components, sorted by what they are in a crystal."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


AMINO_ACIDS = _names(
    """ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL
    HID HIE HIP CYX CYM ASH GLH LYN MSE SEC"""
)
NUCLEOTIDES = _names("A C G U I DA DC DG DT DU DI RA RC RG RU")

HELD = _names(
    """HEM HEC HEA HEB HDD HAS HEO HEV HP5 VER DHE MP1 COH ISH ZNH PP9 POR SRM MNR F43 B12 CNC COB CBY CLA CHL BCL BCB
    BPH BPB PHO PEB CYC BLA BVD FAD FDA FMN RBF 6FA FAS FNR FMR PLP PMP PLR P5P TPP TDP TPW BTN LPA LIP MGD MTE PCD
    2MD PQQ TPQ TTQ H4B BH4 BIO HBI THG THF MHF FFO FON C2F NAD NAP NAI NDP NAJ NAH NDO TAP TXD COA ACO CAO CO6 MLC
    SCA MCA HXC DCC SAM ATP ADP ANP ACP AGS APC ADX AP5 GTP GDP GNP GCP GSP GTS G2P UDP UTP CTP TTP CDP DTP TMP
    RET RTL HSM SF4 FES F3S FS4 CLF CFM CFN ICS ICE NFU FCO FEO FEL CUA CUZ C2C OEX OEC"""
)
"""What enzymes hold or use up beside their substrate: never taken for the ligand unless named."""
COFACTORS = HELD | _names("SAH SFG MTA AMP GMP UMP CMP 5GP A3P PAP GSH GTT ADN C2E A2P")
"""With what may be a cofactor, its product, or the ligand itself."""

SOLVENTS = _names(
    """GOL EDO PEG PGE PG4 1PE 2PE P6G PE4 PE5 PEU 12P 15P MPD MRD DMS DMF ACT ACY FMT IPA IOH EOH MOH MES EPE TRS BME
    DTT DTV TCE PGO PGR BU1 BUD SO4 PO4 NO3 NH4 CO3 BCT CIT FLC TLA TAR MLI MLA MLT SIN IMD AZI SCN CL BR IOD F BOG BGC
    LDA DDM LMT OLC OLA OLB PLM MYR STE UNX UND D10 D12 HEX C14 LMU DMU CPS CHS CLR NHE CXS PIN B3P BTB TAM SPM
    XE KR HEZ MB3 BEZ DIO ETX HED"""
)
"""What crystals are grown, kept or decorated with: never taken for the ligand unless named."""

METALS = _names("MG CA MN FE FE2 ZN CO NI CU CU1 CD HG 3CO 3NI MN3 SR BA PT AU AG PB LA SM EU GD TB YB")
"""Ions whose removal from a site is a warning; sodium and potassium are mostly the buffer's."""

MEEKO_TYPES = _names("C A N NA O OA S SA P F Cl Br I HD H Si")
TYPED_ELEMENTS = _names("C N O F P S Cl Br I Si Mg Ca Mn Fe Zn Cu Co Ni Na K Cd Hg")
"""Elements that are AutoDock types of their own."""
