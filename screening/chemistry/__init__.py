"""Chemical questions about molecules.

Substructure, similarity, diversity, structural alerts, parent structures, drawings. Functions of molecules;
no rankings and no files of a campaign.
"""
