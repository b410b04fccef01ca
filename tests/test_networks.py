"""Laws that every network keeps, and the parameter counts of the published recipes."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
import torch
import torch.nn.functional as F

from untaught.core.errors import BadInput
from untaught.core.registry import networks
from untaught.prior.kernels import convolution as _convolution
from untaught.prior.kernels import winograd as _winograd
from untaught.prior.kernels.convolution import Conv2d, layout
from untaught.prior.networks._parts import BatchNorm, InstanceNorm, Lanczos, Reflect, conv
from untaught.prior.networks.decoder import Decoder
from untaught.prior.networks.hourglass import Hourglass
from untaught.prior.networks.plain import Plain
from untaught.prior.networks.resnet import ResNet
from untaught.prior.networks.unet import UNet

RECIPES = [pytest.param(r, id=f"{name}{i}") for name, cls in networks.items() for i, r in enumerate(cls.examples())]
NDIMS = (1, 2, 3)
FORMATS = {2: torch.channels_last, 3: torch.channels_last_3d}
every_recipe = pytest.mark.parametrize("recipe", RECIPES)
every_ndim = pytest.mark.parametrize("ndim", NDIMS)


def module_and_code(recipe, cin, cout, ndim, *, batch=1, levels=2, seed=0):
    """A fresh network, and an input for it whose last side is the longer one (the smallest, for `levels=2`)."""
    torch.manual_seed(seed)
    net = recipe.build(cin, cout, ndim=ndim)
    for p in net.parameters():
        if p.ndim > 1 and not p.any():  # a last layer that starts at 0 would make every law trivially true or false
            torch.nn.init.normal_(p, std=0.1)
    side = levels * recipe.multiple
    space = (side,) * (ndim - 1) + (side + (levels - 2) * recipe.multiple,)
    return net, torch.randn(batch, cin, *(n // getattr(recipe, "shrink", 1) for n in space)), space


# --- what was published ---------------------------------------------------------------------------------------------

SIX = (16, 32, 64, 128, 128, 128)
LIBRARY = Hourglass(SIX, skip=0, kernel_down=5, upsample="nearest", mix=False)
WIDE = (7, 7, 5, 5, 3, 3)
INVERSION = Hourglass(SIX, kernel_down=WIDE, kernel_up=WIDE, upsample="nearest", downsample="avg", padding="zero")
ACTIVATION = Hourglass(
    SIX, skip=(0, 4, 4, 4, 4, 4), kernel_down=(5, 3, 5, 5, 3, 5), kernel_up=(5, 3, 5, 3, 5, 3), downsample="avg"
)
FLASH = Hourglass(upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
COUNTS = {
    "denoising": (Hourglass(), 32, 3, 2_217_831),
    "snail": (Hourglass((8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)), 3, 3, 572_827),
    "inpainting text": (Hourglass(skip=128, upsample="nearest"), 32, 3, 3_002_627),
    "inpainting vase": (Hourglass(skip=0, upsample="nearest"), 2, 3, 2_157_955),
    "library depth 2": (dataclasses.replace(LIBRARY, down=SIX[:2]), 1, 3, 59_635),
    "library depth 4": (dataclasses.replace(LIBRARY, down=SIX[:4]), 1, 3, 1_060_339),
    "library depth 6": (LIBRARY, 1, 3, 2_996_467),
    "restoration, gray": (Hourglass(), 32, 1, 2_217_573),
    "restoration, 98 % dropped": (Hourglass(SIX[:5], skip=0, downsample="avg"), 32, 3, 1_027_379),
    "flash": (FLASH, 3, 3, 2_184_307),
    "inversion": (INVERSION, 32, 3, 2_606_763),
    "activation maximisation": (ACTIVATION, 32, 3, 2_948_567),
    "library U-Net": (UNet(), 1, 3, 1_616_315),
    "get_net U-Net": (UNet((16, 32, 64, 128, 256), upsample="bilinear", norm="batch"), 32, 3, 2_164_899),
    "library ResNet": (ResNet(), 1, 3, 158_979),
    "Deep Decoder 128": (Decoder(), 128, 3, 100_224),
    "Deep Decoder 64": (Decoder(width=64), 64, 3, 25_536),
    "ZS-N2N": (Plain(), 3, 3, 22_275),  # "22 k" in the paper
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_published_recipe_has_its_published_number_of_parameters(name):
    recipe, cin, cout, count = COUNTS[name]
    with torch.device("meta"):
        assert sum(p.numel() for p in recipe.build(cin, cout).parameters()) == count


# --- laws -----------------------------------------------------------------------------------------------------------


@every_ndim
@every_recipe
@pytest.mark.parametrize(("cin", "cout", "batch", "levels"), [(1, 1, 1, 2), (3, 2, 2, 3)])
def test_the_picture_has_the_size_asked_for_and_is_finite(recipe, ndim, cin, cout, batch, levels):
    net, code, space = module_and_code(recipe, cin, cout, ndim, batch=batch, levels=levels)
    picture = net(code)
    assert picture.shape == (batch, cout, *space)
    assert picture.isfinite().all()


@every_ndim
@every_recipe
def test_the_gradient_reaches_every_parameter(recipe, ndim):
    net, code, _ = module_and_code(recipe, 3, 2, ndim, levels=3)
    net(code).square().sum().backward()
    for name, p in net.named_parameters():
        assert (p.grad is not None) == p.requires_grad, name
        if p.grad is None:
            continue
        assert p.grad.isfinite().all(), name
        # Vectors are spared: a bias before a normalisation moves nothing.
        assert p.ndim == 1 or p.grad.abs().sum() > 0, name


@every_recipe
def test_one_seed_gives_one_network_and_one_picture(recipe):
    (one, code, _), (other, _, _) = (module_and_code(recipe, 3, 2, 2, seed=7) for _ in range(2))
    assert torch.equal(one(code), other(code))
    third, _, _ = module_and_code(recipe, 3, 2, 2, seed=8)
    assert not torch.equal(one(code), third(code))


@every_recipe
def test_looking_changes_nothing(recipe):
    net, code, _ = module_and_code(recipe, 3, 2, 2)
    before, given = {k: v.clone() for k, v in net.state_dict().items()}, code.clone()
    picture = net(code)
    assert torch.equal(net(code), picture)
    assert torch.equal(net.eval()(code), picture)
    assert torch.equal(code, given)
    assert set(before) == {name for name, _ in net.named_parameters()}  # nothing else to save
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


@pytest.mark.parametrize("ndim", FORMATS)
@every_recipe
def test_the_memory_format_changes_no_value(recipe, ndim):
    net, code, _ = module_and_code(recipe, 4, 4, ndim, levels=3)
    plain = net(code)
    picture = net.to(memory_format=FORMATS[ndim])(code.contiguous(memory_format=FORMATS[ndim]))
    torch.testing.assert_close(picture, plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("recipe", [r for cls in (Hourglass, UNet, ResNet, Decoder) for r in cls.examples()])
def test_channels_last_is_kept_through_the_network(recipe):
    # In two dimensions only: in three, some of torch's convolutions return another format, by size.
    net, code, _ = module_and_code(recipe, 4, 4, 2, levels=3)
    picture = net.to(memory_format=torch.channels_last)(code.contiguous(memory_format=torch.channels_last))
    assert picture.is_contiguous(memory_format=torch.channels_last)


@every_recipe
def test_no_activation_bounds_the_picture(recipe):
    net, code, _ = module_and_code(recipe, 3, 2, 2)
    list(net.parameters())[-1 if isinstance(recipe, Decoder) else -2].data.mul_(1000)
    assert net(code).abs().max() > 2


@every_recipe
def test_a_recipe_is_a_value(recipe):
    assert pickle.loads(pickle.dumps(recipe)) == recipe == dataclasses.replace(recipe)
    assert hash(recipe) == hash(dataclasses.replace(recipe))
    assert recipe.multiple % getattr(recipe, "shrink", 1) == 0


@pytest.mark.parametrize("space", [(5, 8), (9, 7)])
def test_the_hourglass_takes_odd_sides_too(space):
    assert Hourglass((4, 4)).build(2, 1)(torch.randn(1, 2, *space)).shape == (1, 1, *space)


# --- parts ----------------------------------------------------------------------------------------------------------


def passes(layer, x, grad, convolve):
    """What comes out, and the gradients with respect to all that went in."""
    x = x.clone().requires_grad_()
    y = convolve(x, layer.weight, layer.bias, padding=layer.padding)
    return y, *torch.autograd.grad(y, (x, layer.weight, layer.bias), grad)


@pytest.mark.parametrize(("kernel", "pad"), [(3, 1), (3, 0), (5, 2), (2, 0)])
@pytest.mark.parametrize("size", [(1, 9, 30), (2, 17, 11)])
def test_matrix_products_give_the_librarys_gradients(size, kernel, pad, monkeypatch):
    monkeypatch.setattr(_convolution, "LEAST", 1)
    torch.manual_seed(0)
    layer = Conv2d(16, 18, kernel, padding=pad)
    x = torch.randn(size[0], 16, *size[1:]).to(memory_format=torch.channels_last)
    grad = torch.randn(size[0], 18, *(n + 2 * pad - kernel + 1 for n in size[1:]))
    ours = passes(layer, x, grad, lambda x, *_, **__: layer(x))
    assert ours[0].grad_fn.name() == "_ConvolveBackward"
    exactly = Conv2d(16, 18, kernel, padding=pad).double()
    exactly.load_state_dict(layer.state_dict())
    for mine, exact in zip(ours, passes(exactly, x.double(), grad.double(), F.conv2d), strict=True):
        assert (mine - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.skipif(not _winograd._available(), reason="needs NNPACK")
@pytest.mark.parametrize("pad", [0, 1, 2])
@pytest.mark.parametrize(("cin", "cout"), [(64, 64), (132, 128), (65, 99)])
@pytest.mark.parametrize("size", [(1, 34, 34), (1, 37, 41), (1, 3, 400), (2, 45, 30), (1, 131, 66)])
def test_winograd_convolves_as_the_library_does(size, cin, cout, pad):
    torch.manual_seed(0)
    layer = Conv2d(cin, cout, 3, padding=pad)
    x = torch.randn(size[0], cin, *size[1:])
    grad = torch.randn(size[0], cout, *(n + 2 * pad - 2 for n in size[1:]))
    ours, again = (passes(layer, x, grad, lambda x, *_, **__: layer(x)) for _ in range(2))
    assert ours[0].grad_fn.name() == "_WinogradBackward"
    exactly = Conv2d(cin, cout, 3, padding=pad).double()
    exactly.load_state_dict(layer.state_dict())
    theirs = passes(exactly, x.double(), grad.double(), F.conv2d)
    for mine, same, exact in zip(ours, again, theirs, strict=True):
        assert torch.equal(mine, same)
        assert mine.is_contiguous()
        assert (mine - exact).abs().max() < 5e-5 * exact.abs().max()


@pytest.mark.parametrize("change", [lambda t: t.double(), lambda t: t.to(memory_format=torch.channels_last)])
def test_winograd_leaves_other_kinds_and_layouts_to_the_library(change):
    layer = change(Conv2d(64, 64, 3))
    x = change(torch.randn(1, 64, 40, 40))
    assert layer(x).grad_fn.name() != "_WinogradBackward"
    assert layer(x[..., :20]).grad_fn.name() != "_WinogradBackward"


def test_pictures_lie_channels_last_unless_every_level_is_wide():
    wide = torch.contiguous_format if _winograd._available() else torch.channels_last
    assert layout(Hourglass().build(32, 3)) == wide
    assert layout(Hourglass().build(32, 3).double()) == torch.channels_last
    assert layout(Hourglass((16, 128)).build(32, 3)) == layout(Decoder().build(128, 3)) == torch.channels_last


@every_ndim
@pytest.mark.parametrize("norm", [BatchNorm(3), InstanceNorm(3)])
def test_a_single_value_a_channel_is_normalised_to_nothing(norm, ndim):
    x = torch.randn(1, 3, *(1,) * ndim)
    torch.testing.assert_close(norm(x), torch.zeros_like(x), atol=1e-3, rtol=0)


@every_ndim
@pytest.mark.parametrize("batch", [1, 2])
def test_instance_normalisation_looks_at_one_picture_at_a_time(batch, ndim):
    x = torch.randn(batch, 3, *(4,) * ndim)
    torch.testing.assert_close(InstanceNorm(3)(x), F.instance_norm(x))


def test_the_border_is_mirrored_where_there_is_enough_to_mirror():
    row = torch.tensor([[[1.0, 2, 3]]])
    assert Reflect(2)(row).flatten().tolist() == [3, 2, 1, 2, 3, 2, 1]
    assert Reflect(3)(row).flatten().tolist() == [1, 1, 1, 1, 2, 3, 3, 3, 3]
    assert Reflect(3)(torch.randn(1, 1, 2, 9)).shape == (1, 1, 8, 15)


@pytest.mark.parametrize("lobes", [2, 3])
def test_lanczos_keeps_constants_and_slopes(lobes):
    halve = Lanczos(lobes).double()
    torch.testing.assert_close(halve(torch.ones(1, 2, 6, 4, 2).double()), torch.ones(1, 2, 3, 2, 1).double())
    slope = torch.arange(40.0).double().expand(1, 2, 8, 40)
    middle = halve(slope)[..., 3:-3]
    torch.testing.assert_close(middle, (2 * torch.arange(20.0).double() + 0.5).expand(1, 2, 4, 20)[..., 3:-3])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Hourglass((4, 4), skip=(1, 2, 3)), "'skip' has 3 values for 2 levels"),
        (lambda: Hourglass((4, 4), up=(4,)), "'up' has 1 values for 2 levels"),
        (lambda: Hourglass(()), "'down'"),
        (lambda: Hourglass(kernel_up=4), "kernel size 4"),
        (lambda: Hourglass(upsample="bilinaer"), "bilinear"),
        (lambda: Hourglass(downsample=("stride",) * 4 + ("min",)), "downsampling 'min'"),
        (lambda: Hourglass(skip=-1), "'skip'"),
        (lambda: UNet(norm="layer"), "normalisation 'layer'"),
        (lambda: ResNet(activation="gelu"), "activation 'gelu'"),
        (lambda: Decoder(levels=0), "'levels'"),
        (lambda: conv(1, 1, 3, ndim=4), "not 4"),
    ],
)
def test_a_wrong_recipe_is_refused_at_once(wrong, says):
    with pytest.raises(BadInput, match=says):
        wrong()
