"""What did the model hear and say? The recorder that serving code uses to capture its requests.

    from model_monitor.recorder import Recorder

    recorder = Recorder("churn", "s3://bucket/capture", sampling_percentage=20)
    recorder.record(body, answer, input_content_type="text/csv", output_content_type="text/csv")

It writes the files of section 1 of the specification, which ``collect_window`` reads. Requests go from ``recorder``
through a queue in memory to ``spool``, files on the local disk; ``sender`` has ``carriers`` bring these to the store.
Nothing heavy is imported, and nothing at all of the rest of this package but its errors: what speaks to a store does so
in a process of its own, ``helper``.
"""

from model_monitor.recorder.privacy import Privacy
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.records import TRUNCATED, Truncated

__all__ = ["TRUNCATED", "Privacy", "Recorder", "Truncated"]
