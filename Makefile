.PHONY: demo test check

demo: .venv/installed ## Publish the starter region and serve it on http://127.0.0.1:8080
	.venv/bin/torg demo

test: .venv/installed-dev ## Run the whole test suite
	.venv/bin/python -m pytest -n auto

check: .venv/installed-dev ## What a reviewer runs: style and types
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

.venv/installed: pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet .
	touch $@

.venv/installed-dev: pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet -e ".[dev]"
	touch $@
