"""Discovery: what the fabric is, told by what happens in it. Begin with fold.py, then links.py (the attacks)
and sightings.py.
"""
