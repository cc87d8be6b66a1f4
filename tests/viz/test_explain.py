"""`explain`: what is shown of a graph, with and without kept values, and every op's formula."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.ops.definition import Op
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.notation import symbol


def network() -> tuple[Any, Any, Any, Any]:
    """x, two weights and the loss of a network small enough to compute by hand."""
    x = dl.tensor([[1.0, 2.0]])
    w1 = dl.tensor([[1.0, 0.0], [0.0, -1.0]], requires_grad=True)
    w2 = dl.tensor([[3.0], [5.0]], requires_grad=True)
    h = (x @ w1).relu()
    loss = (h @ w2).square().sum()
    return x, w1, w2, loss


# --- what is known -----------------------------------------------------------------------------


def test_steps_come_in_order_with_operands_and_gradients() -> None:
    _, w1, w2, loss = network()
    it = loss.explain()
    assert [step.op.name for step in it.steps] == ["matmul", "relu", "matmul", "square", "sum"]
    assert [step.number for step in it.steps] == [1, 2, 3, 4, 5]
    # h = [1, 0], out = 3, loss = 9, d out = 6
    assert it.steps[2].gradient.tolist() == [[6.0]]
    assert it.steps[1].gradient.tolist() == [[18.0, 30.0]]
    assert it.steps[0].gradient.tolist() == [[18.0, 0.0]]
    shares = {o.value.name: o.share.tolist() for o in it.steps[2].operands}
    assert shares["w2"] == [[6.0], [0.0]]
    loss.backward()
    by_name = {leaf.name: leaf for leaf in it.leaves}
    np.testing.assert_array_equal(by_name["w1"].gradient, w1.grad.numpy())
    np.testing.assert_array_equal(by_name["w2"].gradient, w2.grad.numpy())


def test_names_are_those_of_variables_and_parameters() -> None:
    x = dl.ones(2, 3)
    layer = nn.Linear(3, 1)
    hidden = layer(x).tanh()
    total = hidden.sum()
    it = total.explain()
    assert it.name == "total"
    assert [leaf.name for leaf in it.leaves] == ["x", "layer.weight", "layer.bias"]
    assert [step.result.name for step in it.steps] == ["v1", "hidden", "total"]


def test_a_name_that_a_loop_uses_again_gets_numbers() -> None:
    x = dl.tensor(1.0, requires_grad=True)
    with dl.autograd.keep_values():
        y = x
        for _ in range(3):
            y = y * 2
    assert [step.result.name for step in y.explain().steps] == ["y", "y#2", "y#3"]


def test_without_keeping_values_what_rules_keep_is_known() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    kept = x.exp()  # keeps its result
    total = (kept + 1).sum()  # an addition keeps nothing
    first, second, last = total.explain().steps
    assert first.value is not None
    assert last.value is not None
    assert second.value is None
    assert second.result.shape == (2,)
    assert "keep_values" in str(total.explain())


def test_keep_values_keeps_all_values_also_after_backward() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    with dl.autograd.keep_values():
        total = (x.exp() + 1).sum()
    total.backward()
    it = total.explain()
    assert all(step.value is not None for step in it.steps)
    assert it.complete
    assert not it.freed
    np.testing.assert_allclose(it.leaves[0].gradient, np.exp([1.0, 2.0]), rtol=1e-6)
    assert "keep_values" not in str(it)


def test_a_freed_graph_says_so_and_shows_its_structure() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    total = x.exp().sum()
    total.backward()
    text = str(total.explain())
    assert "was freed" in text
    assert "retain_graph=True" in text
    assert "e^x" in text
    assert "x.grad = [2.718, 7.389]" in text


def test_explain_changes_nothing() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    calls = []
    x.register_hook(calls.append)
    total = x.exp().sum()
    total.grad_fn.register_hook(lambda *gradients: calls.append(gradients))
    str(total.explain())
    assert x.grad is None
    assert not calls
    total.backward()
    assert len(calls) == 2


def test_values_that_were_written_to_are_not_shown_as_old() -> None:
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    with dl.autograd.keep_values():
        y = x * 2
        z = y + 1
        y.mul_(0)
    step = z.explain().steps[0]
    assert step.value is None
    assert step.result.overwritten.startswith("mul_, test_explain.py:")
    assert "written to since: mul_" in str(z.explain())


def test_after_an_optimizers_step_it_says_what_wrote() -> None:
    layer = nn.Linear(2, 1)
    hidden = nn.Linear(2, 2)
    optimizer = dl.optim.SGD([*layer.parameters(), *hidden.parameters()], lr=0.1)
    with dl.autograd.keep_values():
        loss = layer(hidden(dl.ones(1, 2))).sum()
    loss.backward()
    assert "written" not in str(loss.explain())
    optimizer.step()
    it = loss.explain()
    assert not it.freed
    assert "(written to since: SGD" in str(it)
    assert "before the optimizer's step" in str(it)


def test_objects_that_answer_to_every_name_do_no_harm() -> None:
    class Wild:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("nobody should ask")

    wild = Wild()
    x = dl.tensor(1.0, requires_grad=True)
    assert (x * 2).explain().leaves[0].name == "x"
    assert type(wild) is Wild


def test_kept_values_are_freed_with_the_graph() -> None:
    from dlframe.ops import watching

    gc.collect()
    before = len(watching._notes)
    x = dl.ones(3, requires_grad=True)
    with dl.autograd.keep_values():
        y = (x * 2).sum()
    assert len(watching._notes) == before + 2
    del y
    assert len(watching._notes) == before  # by reference count alone


def test_a_module_that_holds_its_output_is_freed_as_well() -> None:
    from dlframe.ops import watching

    class Holds(nn.Module):
        def forward(self, x: Any) -> Any:
            self.x = x * 2
            return self.x

    gc.collect()
    before = len(watching._notes)
    module = Holds()
    with dl.autograd.keep_values():
        y = module(dl.ones(2, requires_grad=True))
    assert len(watching._notes) > before
    del y, module
    gc.collect()
    assert len(watching._notes) == before


def test_nobody_looks_on_after_the_block() -> None:
    from dlframe.ops import watching

    with dl.autograd.keep_values():
        assert watching.watched
    assert not watching.watched
    assert watching.watchers() == ()


def test_operations_with_several_results() -> None:
    a = dl.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    with dl.autograd.keep_values():
        values, vectors = dl.linalg.eigh(a)
        total = values.sum() + vectors[0, 0]
    it = total.explain()
    total.backward()
    np.testing.assert_allclose(it.leaves[0].gradient, a.grad.numpy(), rtol=1e-6)
    assert "eigh" in str(it)


def test_functions_of_the_user_have_steps_without_formulas() -> None:
    class Cube(dl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    x = dl.tensor(2.0, requires_grad=True)
    it = Cube.apply(x).explain()
    assert it.steps[0].op.name == "Cube"
    assert it.leaves[0].gradient == 12
    assert "Cube(x" in str(it)


def test_a_leaf_and_a_constant_have_no_steps() -> None:
    x = dl.ones(2)
    assert "No operation was recorded" in str(x.explain())
    assert x.requires_grad_().explain().total == 0


def test_a_long_chain_is_cut_and_counted() -> None:
    x = dl.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    it = y.explain(max_steps=6)
    assert it.total == 20_000
    assert [s.number for s in it.steps][:4] == [1, 2, 3, 19_998]
    assert "19,994 steps left out" in str(it)
    assert it.leaves[0].gradient == 1


def test_large_arrays_are_shown_as_statistics() -> None:
    x = dl.zeros(50, requires_grad=True)
    y = x + 1
    assert "float32 [50], min 0, max 0, mean 0" in str(y.explain())
    assert "min" not in str(y.explain(max_elements=50))


def test_a_recorded_backward_is_part_of_the_graph() -> None:
    x = dl.tensor(2.0, requires_grad=True)
    with dl.autograd.keep_values():
        (g,) = dl.autograd.grad(x**3, x, create_graph=True)
        penalty = g * g
    text = str(penalty.explain())
    assert "backward of power" in text
    assert penalty.explain().leaves[0].gradient == 2 * 12 * 12  # d (3x²)² = 2 · 3x² · 6x


# --- how it is shown ---------------------------------------------------------------------------


def test_text_of_a_network() -> None:
    x, w1, w2, loss = network()
    text = str(loss.explain())
    assert repr(loss.explain()) == text
    assert "  x = [[1, 2]]" in text
    assert not x.requires_grad
    assert w1.grad is w2.grad is None
    assert r"to w2: \bar{y} = X^\top G" in text
    assert "  w2: [[6],\n       [0]]" in text


def test_an_index_is_shown_as_it_is_written() -> None:
    x = dl.arange(12.0).reshape(3, 4).requires_grad_()
    with dl.autograd.keep_values():
        parts = x[..., 1:3], x[1], x[:, ::2], x[dl.tensor([2, 0])], x[-1, 3:]
        text = str(sum(part.sum() for part in parts).explain())
    for index in ("[..., 1:3]", "[1]", "[:, ::2]", "[[2, 0]]", "[-1, 3:]"):
        assert f"index={index})" in text


def test_places_and_modules_are_shown_where_they_were_noted() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))
    with dl.autograd.keep_values():
        out = model(dl.ones(1, 2))
    text = str(out.explain())
    assert "# Sequential.1.1 (Linear), test_explain.py:" in text


def test_depth_shows_modules_in_place_of_steps() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))
    with dl.autograd.keep_values():
        loss = nn.MSELoss()(model(dl.ones(4, 2)), dl.zeros(4, 1))
    loss.backward()
    rows = loss.explain(depth=1).rows
    assert [row.path for row in rows] == ["Sequential", "Sequential.0", "Sequential.1", "MSELoss"]
    assert [row.parameter_count for row in rows] == [0, 9, 4, 0]
    expected = np.sqrt(
        (model[1][1].weight.grad ** 2).sum().item() + model[1][1].bias.grad.item() ** 2
    )
    assert rows[2].parameter_gradient_norm == pytest.approx(expected, rel=1e-5)
    assert [row.path for row in loss.explain(depth=0).rows] == ["Sequential", "MSELoss"]
    assert [row.depth for row in loss.explain(depth=2).rows] == [0, 1, 1, 2, 2, 0]
    assert "1 (Sequential)" in str(loss.explain(depth=1))


def test_depth_without_notes_says_what_to_do() -> None:
    out = nn.Linear(2, 1)(dl.ones(1, 2))
    assert "keep_values" in str(out.explain(depth=1))


def test_markdown_and_latex() -> None:
    _, _, _, loss = network()
    it = loss.explain()
    page = it._repr_markdown_()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert r"| $\bar{y} = X^\top G$ |" in page
    assert "`[[6], [0]]`" in page
    assert {line.count("|") for line in rows} <= {4, 6, 7}
    latex = it._repr_latex_()
    assert latex.count(r"\begin{aligned}") == 1
    assert r"\begin{bmatrix} 6 \\ 0 \end{bmatrix}" in latex
    assert latex.count("{") == latex.count("}")


# --- formulas ----------------------------------------------------------------------------------


def every_op() -> list[Op]:
    """All operations that dlframe defines."""
    for module in pkgutil.walk_packages(dl.__path__, "dlframe."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()  # operations that examples in docstrings defined
    ops = {o.name: o for o in gc.get_objects() if isinstance(o, Op)}
    return [o for o in ops.values() if is_ours(o)]


def is_ours(op: Op) -> bool:
    """Whether the library defines it, and not some test."""
    rules = [rule for rule in [*op.rules, op.joint, op.forward] if rule is not None]
    modules = {
        rule.__globals__.get("__name__", "") for rule in rules if hasattr(rule, "__globals__")
    }
    return not any(name.startswith(("tests", "test_", "samples", "dlframe_")) for name in modules)


def test_every_operation_has_a_formula_for_its_value_and_each_gradient() -> None:
    missing = []
    for op in every_op():
        formula = formula_of(op)
        if formula is None:
            missing.append(op.name)
            continue
        names = [name for name, rule in zip(op.inputs, op.rules, strict=True) if rule is not None]
        names += [op.variadic] if op.joint is not None and op.variadic else []
        missing += [f"{op.name}: {name}" for name in names if formula.gradient(name) is None]
    assert missing == []


@pytest.mark.slow
def test_every_formula_can_be_set_and_put_on_a_page() -> None:
    """matplotlib parses all; what Markdown or some forges would change is not in them."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    bad = []
    for op in every_op():
        name, formula = op.name, formula_of(op)
        assert formula is not None
        bars = [rf"\bar{{{symbol(x)}}} = {rule}" for x, rule in formula.gradients.items()]
        for text in (f"z = {formula.value}", *bars):
            try:
                parser.parse(f"${text}$")
            except ValueError as error:
                bad.append(f"{name}: {text}: {error}")
            if any(mark in text for mark in ("*", r"\,", r"\;", r"\{", r"\operatorname", "|g|")):
                bad.append(f"{name}: {text}")
    assert bad == []


@pytest.mark.parametrize(
    ("name", "letter"),
    [("x", "x"), ("weight", "W"), ("arrays_2", "x_{2}"), ("nonsense", r"\mathrm{nonsense}")],
)
def test_symbols(name: str, letter: str) -> None:
    assert symbol(name) == letter


def test_a_mean_that_is_rounding_noise_is_printed_as_zero() -> None:
    """It differs from processor to processor, and so would the widths of the table."""
    model = nn.Sequential(nn.Identity())
    x = dl.tensor([1.0, -1.0, 1.0, -1.0 + 2**-23], requires_grad=True)
    with dl.autograd.keep_values():
        out = model(x * 1.0).sum()
    (cells,) = [
        line.split() for line in str(out.explain(depth=1)).splitlines() if "Identity" in line
    ]
    assert "0" in cells
    assert not [cell for cell in cells if "e-" in cell]
