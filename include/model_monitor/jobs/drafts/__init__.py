"""Write an endpoint file for a person: look at records, propose roles, show what the last windows would have said.

A person types addresses into a page, so each is held against the folders that the deployment allows. Nothing that is
there changes: a preview has a temporary store and no history.
"""
