"""What travels between host and controller, declared once.

Gateware decodes these layouts, the host packs them from their offsets, and the reference in ``docs/`` is generated from
them. Words wider than a byte travel with their lowest bit first.
"""
