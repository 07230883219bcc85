"""Do the model cards of SageMaker's SDK 2 (Apache-2.0) read a file? Run by a Python that has it.

python model_cards.py KIND FILE [KIND FILE]...
"""

import json
import sys


def main() -> None:
    """Print, by file, how many metrics were read; the SDK raises an error for one that is none."""
    from sagemaker.model_card import EvaluationJob, EvaluationMetricTypeEnum

    counts = {}
    for kind, file in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        job = EvaluationJob(name=file)
        job.add_metric_group_from_json(file, EvaluationMetricTypeEnum[kind])
        counts[file] = sum(len(group.metric_data) for group in job.metric_groups)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
