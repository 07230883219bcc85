"""Serve a model so that it can be monitored: FastAPI, one statement for the recorder and one for its middleware.

cd examples/serving
../../.venv/bin/uvicorn app:app --workers 2                 # captures to .demo/serving/capture
CAPTURE=s3://bucket/capture uvicorn app:app --workers 2     # captures to S3; CAPTURE= captures nothing
"""

from __future__ import annotations

import os

from fastapi import FastAPI, HTTPException, Request, Response
from model import FOLDER, predict, train

from model_monitor.recorder import AsgiCaptureMiddleware, Recorder

app = FastAPI()
model = train()

if destination := os.environ.get("CAPTURE", str(FOLDER / "capture")):
    recorder = Recorder(
        "tumours",
        destination,
        sampling_percentage=float(os.environ.get("CAPTURE_PERCENTAGE", "100")),
        spool=os.environ.get("MODEL_MONITOR_SPOOL", FOLDER / "spool"),
        roll_seconds=float(os.environ.get("CAPTURE_ROLL_SECONDS", "60")),
    )
    app.add_middleware(AsgiCaptureMiddleware, recorder=recorder, paths=["/invocations"])


@app.post("/invocations")
async def invocations(request: Request) -> Response:
    """For each line with the features of a tumour, a line with the probability that it is malignant."""
    try:
        return Response(predict(model, await request.body()), media_type="text/csv")
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


@app.get("/ping")
def ping() -> str:
    """The health check."""
    return "healthy"


@app.get("/capture")
def capture() -> dict[str, float]:
    """The recorder's counters in this worker."""
    return {"pid": os.getpid()} | (recorder.counters() if destination else {})
