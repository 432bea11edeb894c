"""What a molecule, a library and a score are, and how they rest on disk."""
