# The commands of this project. Each does its own set-up: python3, pip and make are all a machine needs.
PYTHON ?= python3

# Containers often forbid Python to keep what it has compiled. Then each start of it takes three times as long,
# and the App's server compiles FiftyOne's operators anew whenever the page asks for one.
export PYTHONDONTWRITEBYTECODE =

# Folders of photos and weights beside a developer's checkout; nothing depends on them.
MODELS_NEARBY := $(wildcard ../shared/data/models)
DEMO_OPTIONS = $(if $(IMAGES),--images '$(IMAGES)') $(if $(MODEL),--model '$(MODEL)') \
	$(if $(DETECTOR),--detector '$(DETECTOR)') $(if $(MODELS_NEARBY),--models-from '$(MODELS_NEARBY)')

# One file's tests share a server and a browser, so files are what is shared out among processes, in the
# order of their names: the App's come first, after the one that takes longest (tests/conftest.py).
PYTEST = .venv/bin/python -m pytest
PARALLEL = --numprocesses=logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# The tests of packaging wait for downloads and installers most of the time, so they run beside the others. The
# soak measures how soon the App answers, so it runs after them, with the machine to itself.
SOAK = tests/app/test_soak.py
define ALL_TESTS
log=$$(mktemp); tell() { if test $$1 -eq 0; then tail -n 1 $$log; else cat $$log; fi; }; \
$(PYTEST) tests/packaging $(ARGS) >$$log 2>&1 & packaging=$$!; \
$(PYTEST) --ignore=tests/packaging --ignore=$(SOAK) $(PARALLEL) $(ARGS); others=$$?; \
wait $$packaging; packaging=$$?; tell $$packaging; \
SOAK_TRIES=2 $(PYTEST) $(SOAK) $(ARGS) >$$log 2>&1; soak=$$?; tell $$soak; rm $$log; \
test $$others -eq 0 -a $$packaging -eq 0 -a $$soak -eq 0
endef

.DEFAULT_GOAL := environment
.PHONY: environment demo demo-models evaluation-speed demo-accuracy test test-all soak lint types editor \
	editor-check accuracy heatmap-sizes scale study-review study-evaluation study-label-errors study-editor \
	editor-latencies check-models lock system-packages help

environment:  ## make or repair .venv (what `make` alone does)
	@$(PYTHON) tools/bootstrap.py

demo: environment  ## poses of drawn people, in the App; on photos: IMAGES=folder MODEL=name DETECTOR=name ARGS=...
	@.venv/bin/fo-pose demo $(DEMO_OPTIONS) $(ARGS)

demo-models: environment  ## draw people and train the demo's two models anew (up to two hours)
	@nice .venv/bin/python -W ignore -m fo_pose_plugin.demo.training $(ARGS)

evaluation-speed: environment  ## how long it takes to evaluate 10,000 people
	@.venv/bin/python -W ignore benchmarks/evaluation_speed.py $(ARGS)

demo-accuracy: environment  ## average precision of the demo's models on held-out drawings, as the README states it
	@.venv/bin/python -W ignore benchmarks/demo_accuracy.py $(ARGS)

test: environment system-packages lint types editor-check  ## lint, types and the everyday tests; SLOW=1 for all tests
	@$(if $(SLOW),$(ALL_TESTS),$(PYTEST) $(PARALLEL) $(ARGS) -m 'not slow')

test-all:  ## the same with the tests that take minutes
	@$(MAKE) --no-print-directory test SLOW=1

soak: environment system-packages  ## 2,000 photos in one delegated run, the App open and in use (some minutes)
	@$(PYTEST) $(SOAK) -rA $(ARGS)

lint: environment  ## style
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet

types: environment  ## types
	@.venv/bin/mypy

editor:  ## build the App's panels (TypeScript) into the script that FiftyOne loads
	@$(PYTHON) tools/editor.py build

editor-check: system-packages  ## the panels: types, tests, and whether the committed script is what they build
	@$(PYTHON) tools/editor.py check

accuracy: environment  ## average precision on the test photos, as the README states it
	@.venv/bin/python -W ignore benchmarks/accuracy.py

heatmap-sizes: environment  ## what kept heatmaps take on disk and what they lose; writes docs/heatmaps.md
	@.venv/bin/python -W ignore benchmarks/heatmap_sizes.py > docs/heatmaps.md.new
	@mv docs/heatmaps.md.new docs/heatmaps.md

scale: environment  ## how memory, time and storage grow with the number of samples; writes docs/scale.md
	@.venv/bin/python -W ignore benchmarks/scale.py $(ARGS) > docs/scale.md.new
	@mv docs/scale.md.new docs/scale.md

study-review: environment  ## what doubt is worth on photos and drawings; writes docs/review.md (some minutes)
	@.venv/bin/python -W ignore benchmarks/study_review.py > docs/review.md.new
	@mv docs/review.md.new docs/review.md

study-evaluation: environment  ## AP and AR beside pycocotools' own, and how long it takes; writes docs/evaluation-figures.md
	@.venv/bin/python -W ignore benchmarks/study_evaluation.py $(ARGS) > docs/evaluation-figures.md.new
	@mv docs/evaluation-figures.md.new docs/evaluation-figures.md

study-label-errors: environment  ## plant errors in labels, see whether they are found; writes docs/label-errors.md
	@.venv/bin/python -W ignore benchmarks/study_label_errors.py $(ARGS) > docs/label-errors.md.new
	@mv docs/label-errors.md.new docs/label-errors.md

study-editor: environment  ## what correcting a person takes, dragging against the editor; writes docs/editor.md
	@.venv/bin/python -W ignore benchmarks/study_editor.py $(ARGS) > docs/editor.md.new
	@mv docs/editor.md.new docs/editor.md

editor-latencies: environment system-packages  ## how soon the editor answers in a browser; writes docs/editor-latencies.md
	@.venv/bin/python benchmarks/editor_latencies.py > docs/editor-latencies.md.new
	@mv docs/editor-latencies.md.new docs/editor-latencies.md

check-models: environment  ## build and run every model of the catalogue; writes docs/models.md (20 minutes)
	@.venv/bin/python benchmarks/check_models.py $(ARGS)

lock: environment  ## resolve pyproject.toml anew into requirements.lock
	@$(PYTHON) tools/bootstrap.py lock

system-packages:
	@$(PYTHON) tools/system_packages.py

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20
