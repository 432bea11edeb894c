"""New scores from anywhere: imported, learnt from, judged, promoted or not."""
