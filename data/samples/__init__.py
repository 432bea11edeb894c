"""Small files that come with the package.

Building blocks, reactions and the tables behind them, and the script that makes them. No code that others
import.
"""
