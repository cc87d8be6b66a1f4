"""The backward pass: what reaches the leaves, what is kept, what is said when it cannot work."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import dlframe as dl
from dlframe import ops
from dlframe.errors import ArgumentError, GradientError, ShapeError


def leaf(*values, dtype=dl.float64):
    return dl.tensor(values, dtype=dtype, requires_grad=True)


def test_gradients_add_up_over_several_uses_and_several_backwards():
    x = leaf(2.0, 3.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.sum().backward()
    assert x.grad.tolist() == [6.0, 8.0]


def test_two_leaves_do_not_share_the_memory_of_one_gradient():
    x, y = leaf(1.0), leaf(1.0)
    (x + y).sum().backward()
    x.grad += 1
    assert y.grad.item() == 1.0


def test_the_gradient_that_starts_is_not_kept_by_reference():
    x, start = leaf(1.0, 2.0), dl.ones(2, dtype=dl.float64)
    (x + 0.0).backward(start)
    x.grad.mul_(3)
    assert start.tolist() == [1.0, 1.0]


# --- is the first gradient of a leaf kept, or copied? ------------------------------------------

GIVEN = {
    "an array": lambda: dl.ones(4, 2) * 3,
    "all of another": lambda: (dl.ones(8) * 3).reshape(4, 2),
    "all of another, of other dimensions": lambda: (dl.ones(4, 1, 2) * 3).squeeze(1),
}
HOLDERS = {
    "tensor": lambda g: g,
    "array": lambda g: g.numpy(),
    "detached": lambda g: g.detach(),
    "part": lambda g: g[1:, 1],
    "transposed": lambda g: g.T,
    "reshaped": lambda g: g.reshape(2, 4),
    "array of a part": lambda g: g.numpy()[:1],
    "base": lambda g: g.numpy() if g.numpy().base is None else g.numpy().base,
    "buffer": lambda g: memoryview(g.numpy()),
    "DLPack": lambda g: np.from_dlpack(g.detach()),
    "capsule": lambda g: g.detach().__dlpack__(),
    "function": lambda g: lambda: g,
    "method": lambda g: g.numpy().sum,
    "iterator": lambda g: iter(g.numpy()),
    "generator": lambda g: (row for row in g),
}


def address(x):
    return x.numpy().__array_interface__["data"][0]


def backward_with(given, hold):
    """A leaf whose gradient was `given()`, its address before, its values, and what `hold` kept."""
    x, seen = dl.zeros(4, 2, requires_grad=True), []

    def hook(_):
        g = given()
        seen.extend((address(g), g.numpy().copy(), hold(g)))
        return g

    x.register_hook(hook)
    x.sum().backward()
    return x, *seen


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_gradient_that_nobody_else_has_is_kept_without_a_copy(given):
    x, before, values, _ = backward_with(given, lambda g: None)
    assert address(x.grad) == before
    assert np.array_equal(x.grad.numpy(), values)


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_gradient_that_someone_still_has_is_copied(given, hold):
    x, before, values, held = backward_with(given, hold)
    assert held is not None
    assert address(x.grad) != before
    assert np.array_equal(x.grad.numpy(), values)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_a_read_only_gradient_is_copied_so_that_another_can_be_added(given):
    def read_only():
        g = given()
        g.numpy().flags.writeable = False
        return g

    x, before, values, _ = backward_with(read_only, lambda g: None)
    assert address(x.grad) != before
    x.sum().backward()
    assert np.array_equal(x.grad.numpy(), 2 * values)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_whoever_looks_at_the_variables_of_backward_only_makes_a_copy(given):
    frames = []

    def look(frame, event, arg):
        frames.append(dict(frame.f_locals))
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        x, old, values, _ = backward_with(given, lambda g: None)
    finally:
        sys.settrace(before)
    assert any("leaf" in names and "g" in names for names in frames)
    assert address(x.grad) != old
    assert np.array_equal(x.grad.numpy(), values)


@pytest.mark.slow
def test_a_debugger_at_the_import_does_not_change_what_is_copied():
    code = """if True:
    import sys

    def look(frame, event, arg):
        frame.f_locals
        return look if frame.f_globals.get("__name__") == "dlframe.autograd.backward" else None

    sys.settrace(look)
    import dlframe as dl
    sys.settrace(None)
    x = dl.zeros(3, requires_grad=True)
    held = []
    x.register_hook(held.append)
    (x * 2).sum().backward()
    x.grad += 1
    print(held[0].tolist())
    """
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert ran.stdout == "[2.0, 2.0, 2.0]\n"


def test_what_a_retained_graph_keeps_is_not_the_gradient():
    x, y = (dl.full((3,), v, requires_grad=True) for v in (2.0, 5.0))
    out = (x * y).exp().reshape(3, 1).reshape(-1)
    out.backward(dl.ones(3), retain_graph=True)
    first = x.grad.clone()
    x.grad.mul_(100)
    y.grad.mul_(100)
    x.grad = y.grad = None
    out.backward(dl.ones(3))
    assert dl.equal(x.grad, first)
    assert out.tolist() == [np.exp(np.float32(10)).item()] * 3


def test_the_gradient_of_a_reused_value_is_not_changed_by_accumulation():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    seen = []
    y.register_hook(lambda g: seen.append(g.clone()))
    (y + y + y * y).sum().backward()
    assert seen[0].tolist() == [4.0, 6.0]
    assert x.grad.tolist() == [4.0, 6.0]


@pytest.mark.parametrize("n", [1, 100_000])
def test_a_chain_of_any_length_works_and_is_freed_by_reference_count_alone(n):
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        y = x
        for _ in range(n):
            y = y * 1.0
        node = weakref.ref(y.node)
        y.backward()
        assert x.grad.item() == 1.0
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_chain_that_was_never_differentiated_is_freed_too():
    gc.disable()
    try:
        x = leaf(1.0)
        y = x
        for _ in range(100_000):
            y = y + 1.0
        node = weakref.ref(y.node)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_ten_additions_on_8_mib_keep_8_mib():
    x = dl.zeros(2**21, requires_grad=True)  # float32: 8 MiB
    mib = 2**20
    tracemalloc.start()
    try:
        y = x
        for _ in range(10):
            y = y + 1.0
        kept, _ = tracemalloc.get_traced_memory()
        assert 8 * mib <= kept < 8.1 * mib
        y.sum().backward()
        assert x.grad.shape == x.shape
    finally:
        tracemalloc.stop()


def test_what_a_node_kept_is_released_during_the_backward_pass():
    x = leaf(*np.linspace(0, 1, 1000))
    y = x.exp()
    out = weakref.ref(y.array)
    z = (y * 2.0).sum()
    del y
    assert out() is not None
    z.backward()
    assert out() is None


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.float(),
        lambda x: x.t().reshape(-1)[1:],
        lambda x: dl.cat([x, x]).mean(0),
        lambda x: x.cumsum(0).flip(0).expand(2, 2, 2),
    ],
)
def test_one_goes_backward_twice_where_no_arrays_are_kept(view):
    x = dl.ones(2, 2, dtype=dl.float64, requires_grad=True)
    y = view(x).sum()
    y.backward()
    once = x.grad.clone()
    y.backward()
    assert dl.equal(x.grad, 2 * once)


def test_a_second_backward_explains_retain_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(GradientError, match="retain_graph=True"):
        y.backward()


def test_a_graph_that_keeps_nothing_can_be_walked_again_as_in_pytorch():
    x = leaf(2.0)
    y = (x + 1.0) - 3.0
    y.backward()
    y.backward()
    assert x.grad.item() == 2.0


def test_higher_orders():
    x = leaf(0.7)
    y = x.sin()
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)):
        (y,) = dl.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected, abs=1e-12)


def test_backward_with_create_graph_gives_a_differentiable_grad():
    x = leaf(3.0)
    (x**3.0).backward(create_graph=True)
    assert x.grad.item() == pytest.approx(27)
    (second,) = dl.autograd.grad(x.grad, x)
    assert second.item() == pytest.approx(18)


def test_gradient_penalty():
    """The gradient of a gradient's norm, as in improved Wasserstein GANs."""
    w = leaf(1.0, -2.0)
    x = leaf(0.5, 0.25)
    (g,) = dl.autograd.grad((w * x * x).sum(), x, create_graph=True)
    (g * g).sum().backward()
    # g = 2 w x, so d|g|²/dw = 8 w x²
    assert w.grad.tolist() == pytest.approx([8 * 1.0 * 0.25, 8 * -2.0 * 0.0625])


def test_broadcast_inputs_get_gradients_of_their_own_shape():
    x = dl.ones(3, 1, dtype=dl.float64, requires_grad=True)
    y = dl.ones(1, 4, dtype=dl.float64, requires_grad=True)
    z = dl.tensor(2.0, dtype=dl.float64, requires_grad=True)
    (x * y * z).sum().backward()
    assert x.grad.tolist() == [[8.0]] * 3
    assert y.grad.tolist() == [[6.0] * 4]
    assert z.grad.item() == 12.0


def test_a_leaf_whose_gradient_is_not_wanted_any_more_gets_none():
    x, y = leaf(1.0), leaf(2.0)
    z = x * y
    x.requires_grad = False
    z.backward()
    assert x.grad is None
    assert y.grad.item() == 1.0


def test_float32_stays_float32():
    x = dl.ones(3, requires_grad=True)
    y = (x * 2 + np.float64(1) - 3).tanh() / 7
    assert y.dtype == dl.float32
    y.sum().backward()
    assert x.grad.dtype == dl.float32


def test_a_mixed_product_gives_each_input_a_gradient_in_its_own_dtype():
    x = dl.ones(2, requires_grad=True)
    y = dl.ones(2, dtype=dl.float64, requires_grad=True)
    z = x * y
    assert z.dtype == dl.float64
    z.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (dl.float32, dl.float64)


def test_inputs_inside_the_graph_keep_their_gradients_from_then_on():
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    z = (h * h).sum()
    z.backward(inputs=[h], retain_graph=True)
    assert h.retains_grad
    assert h.grad.tolist() == [12.0, 24.0]
    z.backward(retain_graph=True)
    assert h.grad.tolist() == [24.0, 48.0]
    assert x.grad.tolist() == [24.0, 48.0]
    z.backward(inputs=[x, h, x], retain_graph=True)  # each is reached once
    assert h.grad.tolist() == [36.0, 72.0]
    assert x.grad.tolist() == [48.0, 96.0]
    z.backward(inputs=[dl.autograd.graph.get_gradient_edge(x)])
    assert x.grad.tolist() == [72.0, 144.0]


class TestGrad:
    def test_of_results_inside_the_graph(self):
        x = leaf(2.0)
        y = x * x
        z = y * y
        (gy,) = dl.autograd.grad(z.sum(), y)
        assert gy.item() == 8.0
        assert x.grad is None

    def test_an_argument_of_pytorch_that_cannot_be_honoured(self):
        x = leaf(1.0)
        with pytest.raises(ValueError, match="grad: only_inputs=False is not supported"):
            dl.autograd.grad(x.sum(), x, only_inputs=False)

    def test_many_gradients_in_one_pass(self):
        x = leaf(1.0, 2.0)
        y, eye = x * x, dl.eye(2)
        (rows,) = dl.autograd.grad(y, x, eye, is_grads_batched=True, retain_graph=True)
        assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]
        for wrong in (None, dl.ones(2), dl.ones(3, 3), [eye, eye]):
            with pytest.raises(ShapeError):
                dl.autograd.grad(y, x, wrong, is_grads_batched=True)

    def test_unused_inputs(self):
        x, y = leaf(1.0), leaf(1.0)
        with pytest.raises(GradientError, match="not have been used in the graph"):
            dl.autograd.grad(x.sum(), (x, y))
        assert dl.autograd.grad(x.sum(), (x, y), allow_unused=True)[1] is None
        assert dl.autograd.grad(x.sum(), (x, y), materialize_grads=True)[1].tolist() == [0.0]

    def test_visits_only_what_leads_to_the_inputs(self):
        x, y = leaf(1.0), leaf(1.0)
        visited = []
        other = y * 2.0
        other.register_hook(visited.append)
        dl.autograd.grad((x * 3.0 + other).sum(), x)
        assert not visited

    def test_leaves_what_it_did_not_walk_to_others(self):
        x = leaf(3.0)
        y = x * x
        dl.autograd.grad((y * y).sum(), y)
        y.sum().backward()
        assert x.grad.tolist() == [6.0]

    def test_computes_no_gradient_that_nobody_wants(self, monkeypatch):
        x, w = dl.ones(2, 3, requires_grad=True), dl.ones(4, 3, requires_grad=True)
        asked = []
        definition = ops.linear.definition
        fast = definition.fast
        monkeypatch.setattr(
            definition, "fast", lambda g, needs, *kept: asked.append(needs) or fast(g, needs, *kept)
        )
        dl.autograd.grad(ops.linear(x, w).sum(), x)
        assert asked == [[True, False, False]]

    def test_needs_inputs_that_require_grad(self):
        x = leaf(1.0)
        with pytest.raises(GradientError, match="does not require grad"):
            dl.autograd.grad(x.sum(), dl.ones(1))

    def test_of_the_output_itself(self):
        x = leaf(1.0)
        assert dl.autograd.grad(x, x)[0].item() == 1.0


class TestErrors:
    def test_a_result_with_several_elements_needs_a_gradient(self):
        with pytest.raises(ShapeError, match="only for scalar outputs"):
            (leaf(1.0, 2.0) * 2).backward()

    def test_the_gradient_must_have_the_shape_of_the_result(self):
        with pytest.raises(ShapeError, match=r"\[3\].*\[2\]"):
            (leaf(1.0, 2.0) * 2).backward(dl.ones(3))

    def test_a_tensor_without_history(self):
        with pytest.raises(GradientError, match="does not require grad"):
            dl.ones(1).backward()

    def test_integers_cannot_require_grad(self):
        with pytest.raises(RuntimeError, match="floating point"):
            dl.tensor([1, 2], requires_grad=True)
        with pytest.raises(RuntimeError, match="floating point"):
            dl.tensor([1, 2]).requires_grad = True

    def test_only_leaves_can_change_requires_grad(self):
        y = leaf(1.0) * 2
        with pytest.raises(GradientError, match="leaf"):
            y.requires_grad = False

    def test_shapes_that_do_not_broadcast_are_both_named(self):
        with pytest.raises(ShapeError, match=r"add: shapes \[2\] and \[3\]"):
            dl.ones(2) + dl.ones(3)

    def test_a_value_error_that_is_none_of_shapes(self):
        with pytest.raises(ArgumentError, match=r"negative integer powers.*float"):
            dl.tensor([2]) ** -1


class TestHooks:
    def test_replace_the_gradient(self):
        x = leaf(1.0)
        y = x * 2.0
        y.register_hook(lambda g: g * 10)
        y.backward()
        assert x.grad.item() == 20.0

    def test_on_a_leaf_see_the_total(self):
        x = leaf(1.0)
        seen = []
        handle = x.register_hook(lambda g: seen.append(g.item()))
        (x * 2.0 + x * 3.0).backward()
        assert seen == [5.0]
        handle.remove()
        (x * 1.0).backward()
        assert seen == [5.0]

    def test_must_keep_the_shape(self):
        y = leaf(1.0) * 2.0
        y.register_hook(lambda g: g.reshape(1, 1))
        with pytest.raises(GradientError, match="shape"):
            y.backward()

    def test_must_return_a_tensor_of_the_same_dtype(self):
        for hook, error in ((lambda g: g.float(), GradientError), (lambda g: 1.0, TypeError)):
            y = leaf(1.0) * 2.0
            y.register_hook(hook)
            with pytest.raises(error, match="hook returned"):
                y.backward()

    def test_what_is_retained_is_what_the_hooks_returned(self):
        x = leaf(1.0)
        y = x * 2.0
        y.retain_grad()
        y.register_hook(lambda g: g * 10)
        y.backward()
        assert y.grad.item() == 10.0

    def test_what_is_retained_can_be_differentiated(self):
        x = leaf(3.0)
        y = x * 1.0
        y.retain_grad()
        (y * y * y).backward(create_graph=True)
        (second,) = dl.autograd.grad(y.grad, x)
        assert second.item() == 18.0

    def test_retain_grad(self):
        x = leaf(1.0)
        y = x * 2.0
        y.retain_grad()
        (y * y).backward()
        assert y.grad.item() == 4.0


class TestModes:
    def test_no_grad_as_with_and_as_decorator(self):
        x = leaf(1.0)
        with dl.no_grad():
            assert not (x * 2).requires_grad
            with dl.enable_grad():
                assert (x * 2).requires_grad
        for decorated in (dl.no_grad()(lambda: x * 2), dl.no_grad(lambda: x * 2)):
            assert not decorated().requires_grad
        assert (x * 2).requires_grad

    def test_a_decorated_generator_leaves_its_consumer_alone(self):
        x = leaf(1.0)

        @dl.no_grad()
        def doubles():
            for _ in range(2):
                yield x * 2

        for y in doubles():
            assert not y.requires_grad
            assert dl.is_grad_enabled()

    def test_set_grad_enabled_as_a_function_and_as_with(self):
        with dl.set_grad_enabled(False):
            assert not dl.is_grad_enabled()
        assert dl.is_grad_enabled()
        try:
            dl.set_grad_enabled(False)
            assert not dl.is_grad_enabled()
        finally:
            dl.set_grad_enabled(True)

    def test_a_mode_is_undone_by_an_exception(self):
        with pytest.raises(KeyError), dl.no_grad():
            raise KeyError
        assert dl.is_grad_enabled()

    def test_modes_belong_to_their_thread(self):
        seen = []
        with dl.no_grad():
            thread = threading.Thread(target=lambda: seen.append(dl.is_grad_enabled()))
            thread.start()
            thread.join()
        assert seen == [True]

    def test_inference_tensors_do_not_enter_a_graph(self):
        x = leaf(1.0)
        with dl.inference_mode():
            y = x * 2
            assert dl.is_inference_mode_enabled()
        assert not y.requires_grad
        with pytest.raises(GradientError, match="Inference tensors cannot be saved"):
            x * y
        assert (x * y.clone()).requires_grad
