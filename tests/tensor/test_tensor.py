"""The Tensor's own methods: attributes, conversion, Python's protocols, copies."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import DimensionError, DTypeError, GradientError, ShapeError
from dlframe.tensor import Tensor, functions


class TestAttributes:
    def test_shape_and_size(self):
        x = dl.zeros(2, 3, 4, dtype=dl.float16)
        assert x.shape == x.size() == (2, 3, 4)
        assert (x.size(1), x.size(-1)) == (3, 4)
        assert x.dim() == x.ndim == x.ndimension() == 3
        assert x.numel() == x.nelement() == 24
        assert x.element_size() == x.itemsize == 2
        assert x.nbytes == 48
        assert (x.stride(), x.stride(-3)) == ((12, 4, 1), 12)
        assert x.T.shape == (4, 3, 2)
        assert x.mT.shape == (2, 4, 3)

    def test_a_dim_out_of_range(self):
        for wrong in (lambda x: x.size(2), lambda x: x.stride(-3)):
            with pytest.raises(DimensionError, match=r"range of \[-2, 1\]"):
                wrong(dl.zeros(2, 3))

    def test_kind(self):
        x = dl.zeros(2, 3)
        assert x.is_floating_point()
        assert not x.long().is_floating_point()
        assert x.is_signed()
        assert not x.byte().is_signed()
        assert not x.is_complex()
        assert x.is_contiguous()
        assert not x.T.is_contiguous()
        assert x.T.contiguous().is_contiguous()
        assert x.contiguous() is x
        assert str(x.device) == "cpu"

    def test_the_place_in_the_graph(self):
        x = dl.ones(2, requires_grad=True)
        y = x * 2
        assert (x.is_leaf, x.requires_grad, x.grad_fn) == (True, True, None)
        assert (y.is_leaf, y.requires_grad, y.grad_fn.name()) == (False, True, "MulBackward0")
        assert dl.ones(2).is_leaf
        assert y.detach().is_leaf
        assert x[0]._base is x
        assert x._base is None
        with dl.inference_mode():
            assert (x * 2).is_inference()

    def test_retains_grad(self):
        x = dl.ones(2, requires_grad=True)
        y = x * 2
        assert not y.retains_grad
        y.retain_grad()
        x.retain_grad()  # a leaf keeps its gradient anyway
        assert y.retains_grad
        assert not x.retains_grad
        with pytest.raises(GradientError, match="requires_grad=False"):
            dl.ones(1).retain_grad()


class TestConversion:
    @pytest.mark.parametrize(
        ("name", "dtype"),
        [
            ("float", "float32"),
            ("double", "float64"),
            ("half", "float16"),
            ("long", "int64"),
            ("int", "int32"),
            ("short", "int16"),
            ("char", "int8"),
            ("byte", "uint8"),
            ("bool", "bool"),
        ],
    )
    def test_by_name(self, name, dtype):
        x = dl.tensor([0.0, 1.9], dtype=dl.float64)
        assert getattr(x, name)().dtype == dtype
        assert x.type(dtype).dtype == dtype
        kind = x.type(dtype).type()
        assert x.type(kind).dtype == x.type(kind.replace("dlframe", "torch")).dtype == dtype

    def test_to(self):
        x = dl.tensor([1.5])
        assert x.to(dl.float32) is x
        assert x.to("cpu") is x
        assert x.to("cpu", dl.float64).dtype == dl.float64
        assert x.to(device="cpu", dtype=dl.int8).dtype == dl.int8
        assert x.to(dl.tensor(1)).dtype == x.type_as(dl.tensor(1)).dtype == dl.int64
        assert x.to(float).dtype == dl.float64
        for copied in (x.to(dl.float32, copy=True), x.to(dl.float32, False, True)):
            assert copied is not x
            assert copied.tolist() == [1.5]

    def test_to_refuses_what_it_does_not_know(self):
        x = dl.ones(1)
        for wrong in (lambda: x.to("cuda"), lambda: x.to(device="cuda:1")):
            with pytest.raises(ValueError, match="CPU"):
                wrong()
        with pytest.raises(TypeError, match="colour"):
            x.to(colour="red")
        with pytest.raises(DTypeError, match="not a dtype"):
            x.to("float33")

    def test_floats_keep_their_history_and_integers_have_none(self):
        x = dl.ones(2, requires_grad=True)
        assert x.double().requires_grad
        assert not x.long().requires_grad

    def test_new(self):
        x = dl.zeros(2, dtype=dl.float64)
        for made in (x.new_zeros(3), x.new_ones((3,)), x.new_empty(3), x.new_full((3,), 1)):
            assert (made.dtype, made.shape) == (dl.float64, (3,))
        assert x.new_tensor([1, 2]).tolist() == [1.0, 2.0]
        assert x.new_tensor([1, 2]).dtype == dl.float64
        assert x.new_ones(2, dtype=dl.int8).dtype == dl.int8

    def test_view_as_another_dtype(self):
        x = dl.tensor([1.0])
        bits = x.view(dl.int32)
        assert bits.tolist() == [0x3F800000]
        bits[0] = 0x40000000
        assert x.tolist() == [2.0]
        with pytest.raises(GradientError, match="no gradient"):
            dl.ones(1, requires_grad=True).view(dl.int32)


class TestNumPy:
    def test_numpy_shares_and_refuses_what_requires_grad(self):
        x = dl.ones(2, requires_grad=True)
        with pytest.raises(GradientError, match=r"tensor\.detach\(\)\.numpy\(\)"):
            x.numpy()
        assert x.numpy(force=True) is x.array
        assert x.detach().numpy() is x.array

    def test_array_protocol(self):
        x = dl.tensor([1.0, 2.0])
        assert np.asarray(x) is x.array
        assert np.asarray(x, dtype=np.float64).tolist() == [1.0, 2.0]
        assert np.array(x) is not x.array
        with pytest.raises(ValueError, match="copy"):
            np.asarray(x, dtype=np.float64, copy=False)
        with pytest.raises(GradientError, match="graph would be lost"):
            np.asarray(x.requires_grad_())

    def test_dlpack(self):
        x = dl.tensor([1.0, 2.0])
        a = np.from_dlpack(x)
        x[0] = 5
        assert a.tolist() == [5.0, 2.0]
        with pytest.raises(GradientError, match="require gradient"):
            np.from_dlpack(x.requires_grad_())

    def test_tolist_and_item(self):
        assert dl.tensor([[1, 2]]).tolist() == [[1, 2]]
        assert type(dl.tensor([[2.5]]).item()) is float
        with pytest.raises(ShapeError, match="3 elements"):
            dl.zeros(3).item()


class TestDLPack:
    def test_numpy_takes_and_gives_the_same_memory(self):
        x = dl.arange(3.0)
        np.from_dlpack(x)[0] = 7
        assert x.tolist() == [7.0, 1.0, 2.0]
        array = np.arange(3)
        dl.from_dlpack(array)[0] = 7
        assert array.tolist() == [7, 1, 2]

    def test_capsules(self):
        class Exporter:
            def __init__(self, tensor):
                self.tensor = tensor

            def __dlpack__(self, **kwargs):
                return dl.to_dlpack(self.tensor)

            def __dlpack_device__(self):
                return self.tensor.__dlpack_device__()

        x = dl.ones(2, 3)
        assert np.shares_memory(dl.utils.dlpack.from_dlpack(Exporter(x)).array, x.array)

    def test_a_graph_is_not_exported(self):
        with pytest.raises(GradientError, match="require gradient"):
            dl.to_dlpack(dl.ones(1, requires_grad=True))


class TestPython:
    def test_numbers(self):
        x = dl.tensor([2.5])
        assert (float(x), int(x), complex(x)) == (2.5, 2, 2.5 + 0j)
        assert [10, 20, 30][dl.tensor(1)] == [10, 20][dl.tensor(True)] == 20
        assert list(range(dl.tensor([2]))) == [0, 1]

    @pytest.mark.parametrize("x", [dl.tensor(1.0), dl.tensor([1, 2])])
    def test_what_is_no_index(self, x):
        with pytest.raises(TypeError, match="index"):
            [10, 20][x]

    def test_truth(self):
        assert dl.tensor([1.0])
        assert not dl.tensor(0)
        with pytest.raises(RuntimeError, match=r"more than one value is ambiguous.*any\(\)"):
            bool(dl.ones(2))
        with pytest.raises(ValueError, match="no values"):
            bool(dl.ones(0))

    def test_length_iteration_and_membership(self):
        x = dl.arange(6).reshape(2, 3)
        assert len(x) == 2
        assert [row.tolist() for row in x] == [[0, 1, 2], [3, 4, 5]]
        assert 5 in x
        assert dl.tensor(5) in x
        assert 6 not in x
        with pytest.raises(TypeError, match="NoneType"):
            assert None in x
        for wrong in (len, iter):
            with pytest.raises(TypeError, match="0-d"):
                wrong(dl.tensor(1))

    def test_iteration_is_differentiable(self):
        x = dl.ones(3, requires_grad=True)
        sum(i * part for i, part in enumerate(x)).backward()
        assert x.grad.tolist() == [0.0, 1.0, 2.0]

    def test_comparison_with_other_things(self):
        x = dl.ones(2)
        assert (x == "a") is False
        assert (x != None) is True  # noqa: E711 - what is tested
        assert (x == 1).tolist() == [True, True]
        assert len({x, x, dl.ones(2)}) == 2

    def test_reflected_operators(self):
        x = dl.tensor([1, 2, 3])
        results = {
            "+": (10 + x, [11, 12, 13]),
            "-": (10 - x, [9, 8, 7]),
            "*": (10 * x, [10, 20, 30]),
            "/": (6 / x, [6, 3, 2]),
            "//": (7 // x, [7, 3, 2]),
            "%": (7 % x, [0, 1, 1]),
            "**": (2**x, [2, 4, 8]),
            "&": (6 & x, [0, 2, 2]),
            "|": (4 | x, [5, 6, 7]),
            "^": (1 ^ x, [0, 3, 2]),
            "<<": (1 << x, [2, 4, 8]),
            ">>": (8 >> x, [4, 2, 1]),
            "@": (np.array([1, 1, 1]) @ x, 6),
        }
        assert {k: r.tolist() for k, (r, _) in results.items()} == {
            k: expected for k, (_, expected) in results.items()
        }
        assert all(isinstance(r, Tensor) for r, _ in results.values())


class TestCopies:
    def test_pickle(self):
        x = dl.ones(2, 3, requires_grad=True).T.detach().requires_grad_()
        x.note = "kept"
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            y = pickle.loads(pickle.dumps(x, protocol))
            assert (y.shape, y.requires_grad, y.note) == ((3, 2), True, "kept")
            assert y.dtype is dl.float32
        assert (pickle.loads(pickle.dumps(dl.ones(1))) * dl.ones(1)).dtype is dl.float32

    def test_deepcopy(self):
        x = dl.ones(2, requires_grad=True)
        x.note = [x, "kept"]
        x.sum().backward()
        y = copy.deepcopy(x)
        assert y.note[0] is y
        assert y.grad.tolist() == [1.0, 1.0]
        assert y.requires_grad
        y.detach().add_(1)
        y.grad.add_(1)
        y.note.append("new")
        assert (x.tolist(), x.grad.tolist(), len(x.note)) == ([1.0, 1.0], [1.0, 1.0], 2)

    def test_deepcopy_of_a_structure_keeps_identity(self):
        x = dl.ones(1)
        a, b = copy.deepcopy([x, x])
        assert a is b

    def test_copy_shares_memory(self):
        x = dl.ones(2)
        copy.copy(x).zero_()
        assert x.tolist() == [0.0, 0.0]

    def test_results_are_neither_pickled_nor_deepcopied(self):
        y = dl.ones(1, requires_grad=True) * 2
        for wrong in (pickle.dumps, copy.deepcopy):
            with pytest.raises(RuntimeError, match=r"graph leaves|Only leaf"):
                wrong(y)

    def test_clone_has_memory_and_history_of_its_own(self):
        x = dl.ones(2, requires_grad=True)
        y = x.clone()
        y.mul_(3)
        y.sum().backward()
        assert x.tolist() == [1.0, 1.0]
        assert x.grad.tolist() == [3.0, 3.0]


class TestMethods:
    def test_methods_are_the_functions(self):
        """Written once: where the arguments are the same, the method is the function."""
        own = {
            name
            for name in functions.__all__
            if not name.endswith("_")  # those call the methods
            and inspect.isfunction(getattr(Tensor, name, None))
            and getattr(Tensor, name).__module__.startswith(
                ("dlframe.tensor.tensor", "dlframe.tensor.methods")
            )
        }
        plain = {"is_floating_point", "numel", "polygamma"}
        variadic = {"flip", "permute", "reshape", "tile"}
        splits = {"split", "unsafe_split", "hsplit", "vsplit", "dsplit"}  # other names
        asked = set(functions.properties.__all__)  # questions, which the methods answer
        assert own - plain - variadic - splits - asked == {"where"}  # another order

    def test_every_public_name_has_a_docstring(self):
        missing = [
            name
            for name in dir(Tensor)
            if not name.startswith("_")
            and hasattr(Tensor, name)  # not what only says that it is missing
            and not (inspect.getdoc(getattr(Tensor, name)) or "").strip()
        ]
        slots = ["array", "gradient", "hooks", "needs_grad", "node", "view_of", "views", "name"]
        assert [name for name in missing if name not in slots] == []

    def test_in_place_methods_write_what_the_functions_return(self):
        """All of them that take no argument, on values in the domain of each."""
        names = [
            name.removesuffix("_")
            for name in dir(Tensor)
            if name.endswith("_")
            and not name.startswith("_")
            and hasattr(getattr(Tensor, name, None), "__wrapped__")
        ]
        assert len(names) > 60
        compared = 0
        for name in names:
            function = getattr(Tensor, name)
            required = [
                p
                for p in inspect.signature(function).parameters.values()
                if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
            ]
            if len(required) != 1 or "not" in name:
                continue
            x = dl.tensor([[1.25, 1.5], [1.75, 2.0]])
            x = x - 1 if name in {"acos", "arccos", "asin", "arcsin", "atanh", "arctanh"} else x
            if name in {"clamp", "clip"}:
                continue
            expected = function(x)
            if np.shares_memory(expected.array, x.array):
                continue  # a view, as t(): in place it changes the shape
            memory = x.array
            assert getattr(x, f"{name}_")() is x
            assert x.array is memory
            np.testing.assert_array_equal(x.array, expected.array)
            compared += 1
        assert compared > 35

    def test_in_place_methods_have_names_and_documentation(self):
        assert Tensor.add_.__name__ == "add_"
        assert Tensor.add_.__qualname__ == "add_"
        assert Tensor.add_.__doc__ == "`add` in place."
        assert list(inspect.signature(dl.ones(1).add_).parameters) == ["other", "alpha"]
        assert Tensor.exp_ is dl.exp_

    def test_fill_takes_a_number(self):
        x = dl.zeros(2)
        assert x.fill_(dl.tensor(3)).tolist() == [3.0, 3.0]
        with pytest.raises(ShapeError, match="0-dimension"):
            x.fill_(dl.ones(2))

    def test_variadic_sizes_may_be_tuples(self):
        x = dl.arange(6)
        assert x.reshape(2, 3).shape == x.reshape((2, 3)).shape == x.reshape([2, 3]).shape
        assert x.view(2, 3).permute(1, 0).shape == x.view((2, 3)).permute((1, 0)).shape == (3, 2)
        assert x.repeat(2, 1).shape == x.repeat((2, 1)).shape == x.tile(2, 1).shape == (2, 6)
        assert x.expand(2, -1).shape == x.expand((2, -1)).shape == (2, 6)
        assert x.view_as(x.reshape(2, 3)).shape == x.reshape_as(x.reshape(2, 3)).shape == (2, 3)
        assert x.expand_as(dl.ones(2, 6)).shape == (2, 6)
        assert x.flip(0).tolist() == x.flip((0,)).tolist() == [5, 4, 3, 2, 1, 0]

    def test_where_and_split(self):
        x = dl.tensor([1.0, -2.0, 3.0])
        assert x.where(x > 0, dl.tensor(0.0)).tolist() == [1.0, 0.0, 3.0]
        assert [part.tolist() for part in x.split(split_size=2)] == [[1.0, -2.0], [3.0]]
        assert [part.tolist() for part in x.split([1, 2])] == [[1.0], [-2.0, 3.0]]


class TestModule:
    def test_lazy_names(self, tmp_path):
        dl.save({"x": dl.ones(2)}, tmp_path / "x.h5")
        assert dl.load(tmp_path / "x.h5")["x"].tolist() == [1.0, 1.0]
        assert {"save", "utils", "Trainer", "tanh"} <= set(dir(dl))

    def test_an_unknown_name_is_an_attribute_error_that_python_can_help_with(self):
        with pytest.raises(AttributeError, match="no attribute 'tesnor'") as caught:
            dl.tesnor
        assert caught.value.name == "tesnor"
        assert caught.value.obj is dl


def test_the_class_makes_floats_of_lists_and_of_sizes():
    assert dl.Tensor([1, 2]).dtype == dl.Tensor((0.5,)).dtype == dl.float32
    assert dl.Tensor(np.array([1, 2])).dtype == dl.int64
    for sizes in ((5,), (2, 3), (1, 1), (0,), (2, 0, 3)):
        x = dl.Tensor(*sizes)
        assert x.shape == sizes
        assert x.dtype == dl.float32
        assert not x.requires_grad
        assert dl.Tensor(x.size()).shape == sizes
    assert dl.Tensor(np.ones(2), True).requires_grad


def test_quantiles_are_in_order_whatever_the_order_of_the_input() -> None:
    x = dl.arange(24.0).reshape(4, 3, 2).permute(2, 1, 0)
    for dim in (None, 0, 1, 2):
        for function in (dl.quantile, dl.nanquantile):
            assert function(x, 0.5, dim=dim).is_contiguous()
            several, plain = (
                function(t, dl.tensor([0.2, 0.7]), dim=dim) for t in (x, x.contiguous())
            )
            assert several.stride() == plain.stride()


def test_older_pickles_find_what_builds_a_tensor() -> None:
    assert sys.modules["dlframe.tensor"]._rebuild is sys.modules["dlframe.tensor.tensor"]._rebuild


def test_a_list_takes_the_numbers_of_a_size():
    sizes = [1]
    sizes += dl.zeros(2, 3).size()
    assert sizes == [1, 2, 3]
    assert type(sizes) is list
