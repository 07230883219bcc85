"""What smclarify (Apache-2.0), SageMaker's open library, says of some tables. Run by a Python that has it.

python smclarify_reports.py CASES.json REPORTS.json
"""

import json
import logging
import sys
import warnings


def reports(case):  # type: ignore[no-untyped-def]
    """By stage and value of the facet, each metric's value and error; or why the whole report failed."""
    import pandas as pd
    from smclarify.bias.report import FacetColumn, LabelColumn, StageType, bias_report

    rows = pd.DataFrame(case["data"])
    found = {}
    for stage in (StageType.PRE_TRAINING, StageType.POST_TRAINING):
        label = LabelColumn("label", rows["label"], list(case["positive"]))
        facet, predicted = FacetColumn(case["facet"], case["values"] or None), LabelColumn("pred", rows["pred"])
        try:
            report = bias_report(rows, facet, label, stage, predicted, group_variable=rows[case["group"]])
        except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
            found[stage.value] = str(error)
            continue
        found[stage.value] = {
            entry["value_or_threshold"]: {m["name"]: [m["value"], m.get("error")] for m in entry["metrics"]}
            for entry in report
        }
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with open(sys.argv[1]) as given:  # noqa: PTH123
        answers = [reports(case) for case in json.load(given)]
    with open(sys.argv[2], "w") as answer:  # noqa: PTH123
        json.dump(answers, answer)
