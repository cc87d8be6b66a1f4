"""The names of PyTorch that dlframe's tensors and functions cover, by section.

A name is a path below torch. tests/functions/test_coverage.py demands calls for each: of the
function, of the method and of the in-place form where PyTorch has them, and with every argument.
"""

from __future__ import annotations

from types import ModuleType

from dlframe import special
from dlframe.nn import functional as F
from dlframe.nn import top
from dlframe.tensor.functions import (
    activation,
    arithmetic,
    clamping,
    comparison,
    copies,
    exponential,
    steps,
    trigonometric,
)
from dlframe.tensor.functions import special as elementwise_special


def first_names(*families: ModuleType) -> list[str]:
    """What these modules offer, without in-place forms, second names and what "Tensor" lists."""
    return [
        name
        for family in families
        for name in family.__all__
        if vars(family)[name].__name__ == name
        and name[-1] != "_"
        and name not in ("is_tensor", "is_floating_point")
    ]


def of_networks() -> list[str]:
    """The functions of `nn.functional` that PyTorch has too; those of `OWN` are ours alone."""
    return [name for name in F.__all__ if callable(getattr(F, name)) and name not in OWN]


# Functions of `nn.functional` that PyTorch does not have.
OWN = {"crammer_singer_loss", "hinge_loss", "weston_watkins_loss"}

SURFACE: dict[str, str] = {
    "Creation": """
        tensor as_tensor asarray from_numpy frombuffer zeros ones full empty eye arange linspace logspace rand randn
        randint randperm normal bernoulli multinomial poisson zeros_like ones_like full_like empty_like rand_like
        randn_like randint_like tril_indices triu_indices meshgrid cartesian_prod combinations scalar_tensor
        Tensor.new_zeros Tensor.new_ones Tensor.new_full Tensor.new_empty Tensor.new_tensor
        Tensor.uniform_ Tensor.normal_ Tensor.exponential_ Tensor.geometric_ Tensor.cauchy_ Tensor.log_normal_
        Tensor.random_ Tensor.bernoulli_
        """,
    "Elementwise": " ".join(
        first_names(
            activation,
            arithmetic,
            clamping,
            comparison,
            exponential,
            elementwise_special,
            steps,
            trigonometric,
        )
    ),
    "Special functions": " ".join(f"special.{name}" for name in special.__all__),
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
        """
    + " ".join(copies.__all__),
    "Indexing": """
        argwhere bucketize gather index_add index_copy index_fill index_put index_reduce index_select isin
        masked_fill masked_scatter masked_select nonzero put take take_along_dim scatter scatter_add
        scatter_reduce segment_reduce searchsorted unravel_index Tensor.__getitem__ Tensor.__setitem__ Tensor.copy_ Tensor.fill_
        Tensor.zero_
        """,
    "Products": """
        addbmm addmm addmv addr baddbmm bmm cdist chain_matmul cosine_similarity cross dot einsum inner kron matmul mm mv outer pairwise_distance
        pdist tensordot
        vdot
        """,
    "Linear algebra": """
        linalg.cholesky linalg.cholesky_ex linalg.cond linalg.cross linalg.det linalg.diagonal linalg.eigh
        linalg.eigvalsh linalg.inv linalg.inv_ex linalg.lstsq linalg.lu linalg.lu_factor linalg.lu_factor_ex
        linalg.lu_solve linalg.matmul linalg.matrix_exp linalg.matrix_norm linalg.matrix_power linalg.matrix_rank
        linalg.multi_dot linalg.norm linalg.pinv linalg.qr linalg.slogdet linalg.solve linalg.solve_ex
        linalg.solve_triangular linalg.svd linalg.svdvals linalg.tensorinv linalg.tensorsolve linalg.vander
        linalg.vecdot linalg.vector_norm det slogdet logdet inverse pinverse cholesky matrix_exp matrix_power
        linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve geqrf orgqr ormqr lu svd_lowrank pca_lowrank
        norm_except_dim frobenius_norm nuclear_norm
        """,
    "Numeric": """
        gradient trapezoid cumulative_trapezoid range fft.fftfreq fft.rfftfreq fft.fftshift fft.ifftshift signal.windows.bartlett signal.windows.blackman signal.windows.cosine
        signal.windows.exponential signal.windows.gaussian signal.windows.general_cosine
        signal.windows.general_hamming signal.windows.hamming signal.windows.hann signal.windows.kaiser
        signal.windows.nuttall
        """,
    "Networks": " ".join(f"nn.functional.{name}" for name in of_networks())
    + """
        dropout feature_dropout alpha_dropout feature_alpha_dropout embedding embedding_bag embedding_renorm_
        nn.utils.rnn.pack_padded_sequence nn.utils.rnn.pad_packed_sequence nn.utils.rnn.pad_sequence
        nn.utils.rnn.unpad_sequence nn.utils.rnn.pack_sequence nn.utils.rnn.unpack_sequence
        nn.utils.rnn.invert_permutation
        """
    + " ".join(top.__all__),
    "Tensor": """
        Tensor.shape Tensor.size Tensor.dim Tensor.ndim numel Tensor.dtype Tensor.device Tensor.requires_grad
        Tensor.requires_grad_ Tensor.grad Tensor.grad_fn Tensor.is_leaf Tensor.retain_grad Tensor.backward
        Tensor.detach Tensor.detach_ Tensor.item Tensor.tolist Tensor.numpy Tensor.data Tensor.T Tensor.H
        Tensor.element_size Tensor.to Tensor.type Tensor.float Tensor.double Tensor.half Tensor.long Tensor.int
        Tensor.short Tensor.char Tensor.byte Tensor.bool Tensor.cpu Tensor.type_as Tensor.register_hook
        Tensor.__array__ Tensor.__dlpack__ from_dlpack Tensor.__reduce_ex__ Tensor.__deepcopy__ Tensor.__repr__
        Tensor.__format__ Tensor.__len__ Tensor.__iter__ Tensor.__contains__ set_printoptions set_default_dtype
        get_default_dtype finfo iinfo can_cast promote_types result_type is_tensor is_floating_point
        is_complex is_conj is_neg is_signed is_inference is_same_size get_device real conj conj_physical resolve_conj
        resolve_neg detach detach_ zero_ fill_ resize_as_ Tensor.resize_ Tensor.resize_as_ Tensor.set_ Tensor.map2_
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
