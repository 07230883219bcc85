"""What becomes of a monitoring schedule of SageMaker here? An endpoint file, and a list of what has no counterpart.

``pieces`` (JSON files) or ``account`` (AWS itself, which is only asked and never changed) say what there is,
``definition`` brings it into one form, ``endpoint_file`` makes settings of it, and ``document`` writes them as YAML
with remarks for whom it concerns. ``command`` is the shell's ``import-sagemaker``.
"""
