"""The names of PyTorch that dlframe's tensors and functions cover, by section.

A name is a path below torch. tests/functions/test_coverage.py demands calls for each: of the
function, of the method and of the in-place form where PyTorch has them, and with every argument.
"""

from __future__ import annotations

SURFACE: dict[str, str] = {
    "Creation": """
        tensor as_tensor asarray from_numpy frombuffer zeros ones full empty eye arange linspace logspace rand randn
        randint randperm normal bernoulli multinomial poisson zeros_like ones_like full_like empty_like rand_like
        randn_like randint_like tril_indices triu_indices meshgrid cartesian_prod combinations scalar_tensor
        Tensor.new_zeros Tensor.new_ones Tensor.new_full Tensor.new_empty Tensor.new_tensor
        Tensor.uniform_ Tensor.normal_ Tensor.exponential_ Tensor.geometric_ Tensor.cauchy_ Tensor.log_normal_
        Tensor.random_ Tensor.bernoulli_
        """,
    "Elementwise": """
        abs acos acosh add addcdiv addcmul asin asinh atan atan2 atanh ceil clamp clamp_min clamp_max copysign cos cosh
        deg2rad rad2deg digamma div eq erf erfc erfinv exp exp2 expm1 float_power floor floor_divide fmax fmin fmod
        frac frexp ge gt heaviside hypot i0 igamma igammac isclose allclose isfinite isinf isnan isneginf isposinf ldexp
        le lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_or logical_xor logical_not logit
        lt maximum minimum mul mvlgamma nan_to_num ne neg nextafter polygamma positive pow reciprocal remainder round
        rsqrt rsub sgn sigmoid sign signbit sin sinc sinh sqrt square sub tan tanh trunc where xlogy bitwise_and
        bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift gcd lcm relu clone equal
        """,
    "Special functions": """
        special.airy_ai special.bessel_j0 special.bessel_j1 special.bessel_y0 special.bessel_y1
        special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v
        special.chebyshev_polynomial_w special.digamma special.entr special.erf special.erfc special.erfcx
        special.erfinv special.exp2 special.expit special.expm1 special.gammainc special.gammaincc special.gammaln
        special.hermite_polynomial_h special.hermite_polynomial_he special.i0 special.i0e special.i1 special.i1e
        special.laguerre_polynomial_l special.legendre_polynomial_p special.log1p special.log_ndtr special.log_softmax
        special.logit special.logsumexp special.modified_bessel_i0 special.modified_bessel_i1
        special.modified_bessel_k0 special.modified_bessel_k1 special.multigammaln special.ndtr special.ndtri
        special.polygamma special.psi special.round special.scaled_modified_bessel_k0
        special.scaled_modified_bessel_k1 special.shifted_chebyshev_polynomial_t
        special.shifted_chebyshev_polynomial_u special.shifted_chebyshev_polynomial_v
        special.shifted_chebyshev_polynomial_w special.sinc special.softmax special.spherical_bessel_j0
        special.xlog1py special.xlogy special.zeta
        """,
    "Reductions and order": """
        all any amax amin aminmax argmax argmin count_nonzero cumsum cumprod cummax cummin logcumsumexp logsumexp max
        mean median min mode nanmean nanmedian nansum norm prod quantile nanquantile std std_mean sum trace var
        var_mean kthvalue topk sort argsort msort unique unique_consecutive bincount histc histogram histogramdd renorm
        dist cov corrcoef softmax log_softmax
        """,
    "Shape": """
        atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to broadcast_shapes cat chunk
        column_stack Tensor.contiguous diag diag_embed diagflat diagonal diagonal_scatter diff dsplit dstack
        Tensor.expand Tensor.expand_as flatten flip fliplr flipud hsplit hstack Tensor.mT movedim narrow permute ravel
        Tensor.repeat repeat_interleave reshape Tensor.reshape_as roll rot90 select select_scatter slice_scatter split
        squeeze stack swapaxes swapdims t tensor_split tile transpose tril triu unbind unflatten Tensor.unfold
        unsqueeze Tensor.view Tensor.view_as vsplit vstack as_strided Tensor.fill_diagonal_ Tensor.sum_to_size
        """,
    "Indexing": """
        argwhere bucketize gather index_add index_copy index_fill index_put index_reduce index_select isin
        masked_fill masked_scatter masked_select nonzero put take take_along_dim scatter scatter_add
        scatter_reduce searchsorted unravel_index Tensor.__getitem__ Tensor.__setitem__ Tensor.copy_ Tensor.fill_
        Tensor.zero_
        """,
    "Products": """
        addbmm addmm addmv addr baddbmm bmm cdist chain_matmul cross dot einsum inner kron matmul mm mv outer tensordot
        vdot
        """,
    "Linear algebra": """
        linalg.cholesky linalg.cholesky_ex linalg.cond linalg.cross linalg.det linalg.diagonal linalg.eigh
        linalg.eigvalsh linalg.inv linalg.inv_ex linalg.lstsq linalg.lu linalg.lu_factor linalg.lu_factor_ex
        linalg.lu_solve linalg.matmul linalg.matrix_exp linalg.matrix_norm linalg.matrix_power linalg.matrix_rank
        linalg.multi_dot linalg.norm linalg.pinv linalg.qr linalg.slogdet linalg.solve linalg.solve_ex
        linalg.solve_triangular linalg.svd linalg.svdvals linalg.tensorinv linalg.tensorsolve linalg.vander
        linalg.vecdot linalg.vector_norm det slogdet logdet inverse pinverse cholesky matrix_exp matrix_power
        """,
    "Numeric": """
        gradient trapezoid cumulative_trapezoid signal.windows.bartlett signal.windows.blackman signal.windows.cosine
        signal.windows.exponential signal.windows.gaussian signal.windows.general_cosine
        signal.windows.general_hamming signal.windows.hamming signal.windows.hann signal.windows.kaiser
        signal.windows.nuttall
        """,
    "Tensor": """
        Tensor.shape Tensor.size Tensor.dim Tensor.ndim numel Tensor.dtype Tensor.device Tensor.requires_grad
        Tensor.requires_grad_ Tensor.grad Tensor.grad_fn Tensor.is_leaf Tensor.retain_grad Tensor.backward
        Tensor.detach Tensor.detach_ Tensor.item Tensor.tolist Tensor.numpy Tensor.data Tensor.T Tensor.H
        Tensor.element_size Tensor.to Tensor.type Tensor.float Tensor.double Tensor.half Tensor.long Tensor.int
        Tensor.short Tensor.char Tensor.byte Tensor.bool Tensor.cpu Tensor.type_as Tensor.register_hook
        Tensor.__array__ Tensor.__dlpack__ from_dlpack Tensor.__reduce_ex__ Tensor.__deepcopy__ Tensor.__repr__
        Tensor.__format__ Tensor.__len__ Tensor.__iter__ Tensor.__contains__ set_printoptions set_default_dtype
        get_default_dtype finfo iinfo can_cast promote_types result_type is_tensor is_floating_point
        """,
    "Autograd": """
        autograd.backward autograd.grad no_grad enable_grad inference_mode set_grad_enabled is_grad_enabled
        autograd.Function autograd.function.once_differentiable autograd.gradcheck autograd.gradgradcheck
        autograd.detect_anomaly autograd.functional.jacobian autograd.functional.hessian autograd.functional.vjp
        autograd.functional.jvp autograd.functional.hvp autograd.functional.vhp func.grad func.grad_and_value func.vjp
        func.jvp func.jacrev func.jacfwd func.hessian func.vmap func.functional_call utils.checkpoint.checkpoint
        """,
}


def names() -> list[str]:
    """All names, in the order of the sections."""
    return [name for section in SURFACE.values() for name in section.split()]
