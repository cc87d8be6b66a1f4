"""Which functions run on a tensor's values, which only if no graph is lost, and which never.

Names are NumPy's, without `np.`. Some exist only in certain versions of NumPy.
"""

# ruff: noqa: SIM905 - a line for each name would make long scrolls of these tables

from __future__ import annotations

# Their results are whole numbers, bools, strings, dtypes, constants of a shape, or steps.
PLAIN = frozenset(
    """
    all allclose angle any argmax argmin argpartition argsort argwhere array2string
    array_equal array_equiv array_repr array_str can_cast common_type count_nonzero
    diag_indices_from digitize einsum_path empty_like flatnonzero imag in1d isclose iscomplex
    iscomplexobj isin isneginf isposinf isreal isrealobj ix_ lexsort linalg.matrix_rank
    may_share_memory min_scalar_type nanargmax nanargmin ndim nonzero ones_like packbits
    ravel_multi_index result_type searchsorted shape shares_memory size tril_indices_from
    triu_indices_from unpackbits unravel_index zeros_like
    """.split()
)

# They have, or may have, a derivative, but no rule.
WITHOUT_RULE = frozenset(
    """
    broadcast_arrays histogram
    histogram2d histogram_bin_edges histogramdd
    roots sort_complex

    linalg.eig linalg.eigvals

    fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.irfft
    fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn

    polynomial.polynomial.polygrid2d polynomial.polynomial.polyval2d
    polynomial.polynomial.polyvalnd

    save savetxt savez savez_compressed
    """.split()
)

# Their results stay arrays. Libraries such as matplotlib call them to turn whatever they were
# given, also None and strings, into arrays, and go on with what only arrays have.
ARRAYS = frozenset({"broadcast_arrays"})

# Array constructors; NumPy sends them here for `like=tensor`. With recorded values as data they
# would lose the graph.
CREATION = frozenset(
    """
    arange array asanyarray asarray ascontiguousarray asfortranarray empty eye frombuffer
    fromfile fromfunction fromiter fromstring full genfromtxt identity loadtxt ones require tri
    zeros
    """.split()
)

# They write into their first argument, which must not be a tensor.
WRITERS = frozenset({"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"})

_DATES = "tensors hold numbers, no dates"
_STRINGS = "tensors hold numbers, no strings"
_RECORDS = "tensors hold numbers, no records"

# They are always refused; the text is part of the message.
REFUSED = {
    "busday_count": _DATES,
    "busday_offset": _DATES,
    "datetime_as_string": _DATES,
    "is_busday": _DATES,
}

# All functions of these modules are always refused, too.
REFUSED_MODULES = {
    "lib.recfunctions": _RECORDS,
    "rec": _RECORDS,
    "strings": _STRINGS,
    "char": _STRINGS,
}

_STRING_UFUNCS = """
    _center _expandtabs _expandtabs_length _ljust _lstrip_chars _lstrip_whitespace _partition
    _partition_index _replace _rjust _rpartition _rpartition_index _rstrip_chars
    _rstrip_whitespace _slice _strip_chars _strip_whitespace _zfill count endswith find index
    isalnum isalpha isdecimal isdigit islower isnumeric isspace istitle isupper rfind rindex
    startswith str_len
""".split()

REFUSED_UFUNCS = {"isnat": _DATES, **dict.fromkeys(_STRING_UFUNCS, _STRINGS)}

PLAIN_UFUNCS = frozenset({"_ones_like", "bitwise_count", "imag"})

# `clip` and `real` are the ufuncs beneath np.clip and np.real, which have rules. Ufuncs of other
# libraries, such as scipy.special's, are treated in the same way.
WITHOUT_RULE_UFUNCS = frozenset({"clip", "real"})
