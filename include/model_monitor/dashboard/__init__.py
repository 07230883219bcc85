"""What does a person see? The pages of the dashboard, the same inside Airflow and as a static site.

A page is a function from a visit to a model. Its HTML is a template of the model, and its JSON is the model.
"""
