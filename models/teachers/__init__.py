"""Teachers.

What is trained on docking scores, with cross-validation, calibration, stacking and transfer learning from
source tasks. The learners themselves are in models.regressors.
"""
