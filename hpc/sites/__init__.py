"""Sites: what stands in a site's file, presets, reading, writing, and the allocation one may already stand in.

Descriptions only: nothing is started here.
"""
