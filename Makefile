.PHONY: demo test check lock sbom

demo: .venv/installed ## Publish the starter region and serve it on http://127.0.0.1:8080
	.venv/bin/torg demo

test: .venv/installed-dev ## Run the whole test suite
	.venv/bin/python -m pytest -n auto

check: .venv/installed-dev ## What a reviewer runs: style and types
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

lock: .venv/installed-dev ## Pin every library of a deployment, with hashes (deploy/requirements.lock)
	.venv/bin/pip install --quiet "pip-tools>=7.5,<8"
	.venv/bin/pip-compile --quiet --upgrade --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --no-header --no-annotate --output-file deploy/requirements.lock pyproject.toml

sbom: .venv/installed-dev ## Build the release's wheel, its list of parts (CycloneDX) and their licences in dist/
	rm -rf build/release && mkdir -p dist
	PYTHON=.venv/bin/python deploy/build wheel dist
	deploy/build install build/release dist
	build/release/bin/python scripts/sbom.py dist

.venv/installed: pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet .
	touch $@

.venv/installed-dev: pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet -e ".[dev]"
	touch $@
