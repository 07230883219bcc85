"""Store bytes at addresses, whole or not at all. PyArrow is imported when the first address is opened."""

from model_monitor.store.addresses import join as join
from model_monitor.store.addresses import name_of as name_of
from model_monitor.store.files import File as File
from model_monitor.store.files import delete as delete
from model_monitor.store.files import exists as exists
from model_monitor.store.files import is_below as is_below
from model_monitor.store.files import list_files as list_files
from model_monitor.store.files import local_copy as local_copy
from model_monitor.store.files import located as located
from model_monitor.store.files import open_file as open_file
from model_monitor.store.files import reaching as reaching
from model_monitor.store.files import read as read
from model_monitor.store.files import read_on as read_on
from model_monitor.store.files import write as write
from model_monitor.store.files import writing as writing
from model_monitor.store.unfinished import WorkingFolder as WorkingFolder
from model_monitor.store.unfinished import is_unfinished as is_unfinished
from model_monitor.store.unfinished import temporary_disk as temporary_disk
