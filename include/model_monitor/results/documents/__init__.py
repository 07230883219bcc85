"""Which files does a monitor read and write? SageMaker's where it has such a monitor, plain ones otherwise."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import Segmented
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.expectations import Expectations, Joined
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.monitors.traffic import Traffic
from model_monitor.results.documents.attribution import AttributionDocuments, CalibratedAttributionDocuments
from model_monitor.results.documents.bias import BiasDocuments, CalibratedBiasDocuments
from model_monitor.results.documents.data_quality import DataQualityDocuments, SageMakerDataQualityDocuments
from model_monitor.results.documents.expectations import ExpectationsDocuments, JoinedDocuments
from model_monitor.results.documents.model_quality import CalibratedModelQualityDocuments, ModelQualityDocuments
from model_monitor.results.documents.plain import PlainDocuments
from model_monitor.results.documents.protocol import Documents
from model_monitor.results.documents.segmented import SegmentedDocuments
from model_monitor.results.documents.traffic import TrafficDocuments


@singledispatch
def documents_of(monitor: Monitor[Any]) -> Documents[Any]:
    """The documents of a monitor; a subclass has those of its base."""
    return PlainDocuments(monitor)


def of_mode(calibrated: Callable[..., Documents[Any]], sagemaker: Callable[..., Documents[Any]]) -> Any:
    """The documents of a monitor's mode: the one place where files depend on it."""
    return lambda monitor: {"calibrated": calibrated, "sagemaker": sagemaker}[monitor.compatibility](monitor)


documents_of.register(DataQuality, of_mode(DataQualityDocuments, SageMakerDataQualityDocuments))
documents_of.register(ModelQuality, of_mode(CalibratedModelQualityDocuments, ModelQualityDocuments))
documents_of.register(Bias, of_mode(CalibratedBiasDocuments, BiasDocuments))
documents_of.register(Attribution, of_mode(CalibratedAttributionDocuments, AttributionDocuments))
documents_of.register(Traffic, TrafficDocuments)
documents_of.register(Expectations, ExpectationsDocuments)
documents_of.register(
    Joined, lambda monitor: JoinedDocuments(monitor, *map(documents_of, (monitor.own, monitor.rules)))
)
documents_of.register(Segmented, lambda monitor: SegmentedDocuments(monitor, documents_of))
