"""Example projects; nothing of them is in the wheel.

A regular package, because ``tests/`` has a folder of the same name.
"""
