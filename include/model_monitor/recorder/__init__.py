"""Record a served model's requests and responses from inside the serving process.

    from model_monitor.recorder import Recorder

    recorder = Recorder("churn", "s3://bucket/capture", sampling_percentage=20)
    recorder.record(body, answer, input_content_type="text/csv", output_content_type="text/csv")

The files are SageMaker's capture files, which ``collect_window`` reads. A request goes from a queue in memory to files
on the local disk (``spool``) and from there to the store (``sending``), by a child process if the store is remote. The
serving process imports nothing heavy, and of the rest of the package only errors and addresses.
"""

from model_monitor.recorder.decorator import captured
from model_monitor.recorder.http.asgi import AsgiCaptureMiddleware
from model_monitor.recorder.http.wsgi import WsgiCaptureMiddleware
from model_monitor.recorder.privacy import Privacy
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.records import TRUNCATED

__all__ = ["TRUNCATED", "AsgiCaptureMiddleware", "Privacy", "Recorder", "WsgiCaptureMiddleware", "captured"]
