"""How far predictions can be trusted where a campaign acts on them: intervals of molecules that were picked.

Pure arithmetic on predictions and docked scores; models and campaigns may not come in.
"""
