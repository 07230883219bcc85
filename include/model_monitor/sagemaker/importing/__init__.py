"""Turn monitoring schedules of SageMaker into an endpoint file, and list what has no counterpart.

``sources`` has the documents, ``definition`` reads a schedule's job from them, ``endpoint_file`` makes settings of it,
and ``document`` writes the settings as YAML with remarks. ``command`` is ``model-monitor import-sagemaker``.
"""
