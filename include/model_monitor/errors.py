"""What can go wrong, and what the reader should do about it.

MonitorError
├── ConfigError    an endpoint file, a script or an argument is wrong: edit it
├── DataError      the data can't be judged as it is: look at what was set aside
└── StoreError     the store did not answer: try again

Violations are results, never exceptions.
"""

from __future__ import annotations

import re

LONGEST, LONGEST_LINE = 20_000, 1200  # characters of a message, which may name many files; of a quote in it
LONGEST_SEARCH = 20_000  # characters of a line that are searched for secrets

CREDENTIALS = "authorization|cookie|credential|password|passwd|secret|session|signature|token"
CREDENTIALS += "|(?:api|access|routing|integration|private).?key"
NAME = rf"[\w.-]{{0,60}}(?:{CREDENTIALS}|account.?key|csrf|xsrf|\bpwd|\bsig)[\w.-]{{0,60}}"
VALUE = r"(?:\"[^\"]*\"?|'[^']*'?|\[[^\]]*\]?|[\w.+-]+)"
PLACES = r"(?:s3a?|gs|gcs|az|adl|abfss?|wasbs?|https?|wss?|grpcs?|file|unix|ftps?|hdfs|model-monitor|"
PLACES += r"(?:postgres|mysql|sqlite)[\w+]*)"  # schemes of addresses that are not secret themselves
EXAMPLE = r"(?!\"Bearer \.\.\.\")"  # is in our own advice
HIDDEN = [  # compiled when first needed: that would be a good part of the recorder's import
    (r"<(?:!doctype\s+html|html|\w+:html)\b.*>(?:[^<>;]*<[^<>;]*)?", "(a page of HTML)"),
    (r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|$)", "…"),
    (r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@]{0,300}:\S{0,600}@", r"\1…@"),  # a password may have @ and / in it
    (rf"\b(?!{PLACES}://)([a-z][a-z0-9+.-]{{1,20}}://)[^\s\"'<>]+", r"\1…"),  # Apprise's, which are all secret
    (r"((?:://|url: /)[^\s\"'<>]{0,300}?hooks?\b[\w.:-]{0,300}/)[^\s\"'<>]+", r"\1…"),  # webhooks
    (r"(/services/)[\w-]+/[\w-]+/[\w-]+", r"\1…"),  # Slack's, without its host
    (r"(/bot)\d+:[\w-]+", r"\1…"),  # Telegram's
    (
        rf"([\"']{NAME}\\*[\"']\s*[:=]\s*\\*){EXAMPLE}{VALUE}",
        r"\1…",
    ),  # JSON, also in a text of JSON; Python's dicts
    (r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token))(\s*:\s*)[^\r\n\"'}]+", r"\1\2…"),
    (rf"(?<![\w.-])({NAME}=)(?:\"[^\"]*\"?|'[^']*'?|[^\s&;,\"')}}\]]+)", r"\1…"),  # queries and settings
    (r"\b(bearer\s+)[\w.~+/=-]{8,}", r"\1…"),
    (r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?", "…"),  # a JSON Web Token
    (r"\b(?:(?:xox[a-z]|xapp|glpat)-|(?:gh[pousr]|github_pat)_)[\w.-]{6,}", "…"),  # Slack, GitLab, GitHub
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "…"),  # an access key of AWS
]

A_PAGE = "a page of HTML instead of an answer, from a login or a gateway in front of it"


def without_secrets(text: str) -> str:
    """A text without what may be a secret in it: credentials of addresses, queries and headers, and pages of HTML.

    >>> without_secrets("GET https://x/?a=1&X-Amz-Signature=0f5c&b=2 said 403")
    'GET https://x/?a=1&X-Amz-Signature=…&b=2 said 403'
    """
    text = shortened(text, LONGEST_SEARCH)
    for pattern, replacement in HIDDEN:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE | re.DOTALL)
    return text


def shortened(text: str, limit: int = LONGEST_LINE) -> str:
    """A text whose lines have at most ``limit`` characters; a longer one lacks its middle.

    >>> shortened("0123456789abcdef", 8)
    '0123 … cdef'
    """
    return "\n".join(without_middle(line, limit) for line in text.split("\n"))


def without_middle(text: str, limit: int) -> str:
    """A text; of a longer one about the first and the last half of ``limit`` characters."""
    half = limit // 2
    return text if len(text) <= limit else f"{text[:half]} … {text[-half:]}"


def is_unicode(text: str) -> bool:
    """Whether a text can be written: not with a lone surrogate, which JSON's escapes and names of files may have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_page(content: bytes) -> bool:
    """Whether an answer is a page of HTML: of a login, or of a gateway that waits for its server."""
    return re.match(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", content, re.IGNORECASE) is not None


class MonitorError(Exception):
    """Base of every error that this package raises on purpose; its text is one clear sentence for a person.

    What it quotes of others (answers, messages of libraries, names) is shortened, loses what may be a secret, and is
    inert.

    >>> len(str(MonitorError("x\\n" * 1_000_000))) < LONGEST + 10
    True
    """

    def __init__(self, message: str = "") -> None:
        message = without_middle(message, 4 * LONGEST_SEARCH)
        super().__init__(inert(without_middle(shortened(without_secrets(message)), LONGEST)))


class ConfigError(MonitorError):
    """An endpoint file, a user's script or an argument is wrong."""


class DataError(MonitorError):
    """The data can't be read or judged; trying again would give the same answer.

    ``evidence`` is what was read and set aside until then (``results.handover.Evidence``); None if nothing was.
    """

    def __init__(self, message: str, evidence: object = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class StoreError(MonitorError):
    """A store is out of reach or refused; trying again may help."""


def printable(text: str) -> str:
    """A text in one line, with escapes for control characters: names of columns come from whoever calls the endpoint.

    >>> printable("plan\\n[INFO] 0 violations\\x1b[2J")
    'plan\\\\n[INFO] 0 violations\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def inert(text: str) -> str:
    """The same of a text of several lines.

    >>> inert("plan\\n\u202e")
    'plan\\n\\\\u202e'
    """
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
