"""What a molecule, a library and a score are, and how they rest on disk.

Everything else builds on this; nothing here knows of models, docking, sites or campaigns. The modules beside
this file are words that everyone uses: errors, files that appear whole or not at all, receipts, column
schemas, seeds.
"""
