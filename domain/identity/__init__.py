"""Who may act where: projects, users and their roles, application credentials, and when a token ends before its time.

Passwords are not in the log, nor are their hashes.
"""

from domain.identity.project import Project

__all__ = ["Project"]
