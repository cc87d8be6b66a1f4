"""What must not pass without a word: shapes, dtypes, labels and arguments that make no sense."""

from __future__ import annotations

import pytest
from samples.functional_errors import ERRORS
from samples.table import ErrorSample

import dlframe as dl
from dlframe.errors import DlframeError


@pytest.mark.parametrize("sample", ERRORS, ids=lambda e: e.name)
def test_error_says_what_and_where(sample: ErrorSample) -> None:
    with pytest.raises(sample.error, match=sample.message) as raised:
        sample.call(dl)
    assert isinstance(raised.value, DlframeError)
    assert sample.name.partition(":")[0] in str(raised.value) or "Dimension" in str(raised.value)
