# Thin aliases: what does the work lies in Scripts/. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
TIME ?= 60

.PHONY: help dependencies build demo cluster-demo test test-slow lint fmt hooks asan tsan fuzz coverage golden bench-rd bench-speed bench-lossless bench-seams bench-history bench-reconstruction faults faults-short cluster cluster-test train train-smoke wheel screenshot docs clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

dependencies: ## install the Debian packages that are missing
	@Scripts/install-dependencies build

build: dependencies ## build release binaries into .build/release
	swift build -c release

.PHONY: deb package-test
deb: dependencies ## build both Debian packages into .build/deb
	@Scripts/install-dependencies deb
	@Scripts/deb

package-test: deb ## install the packages on clean machines, follow the docs there word for word, upgrade, purge; needs root
	@Scripts/package-test

demo: build ## fly a simulated pass through the real daemons, print what it saved, draw a picture
	.build/release/perigee demo

cluster-demo: build ## fly a simulated year, rebuild its last pass with what the cluster knows of the places: table, picture
	@PYTHONPATH=Cluster $$(Scripts/python-environment serve) -m perigee_cluster demo

test: ## install what is missing and run the whole suite
	@Scripts/test

test-slow: ## the same with the long tests: every sample file, many kills of the gateway
	@Scripts/test slow

lint: ## check format, imports, dependency table, scripts, Python
	@Scripts/lint

fmt: ## format Swift and Python
	swift format format --in-place --parallel --recursive Package.swift Sources Tests
	$$(Scripts/python-environment) -m ruff format --quiet Cluster Benchmarks Tests/operations Tests/page Tests/service Scripts/*.py

hooks: ## check staged files before each commit
	ln -sf ../../Scripts/pre-commit "$$(git rev-parse --git-path hooks)/pre-commit"

asan: dependencies ## run the Swift tests under the address sanitizer
	swift test --scratch-path .build/asan --disable-xctest --sanitize=address

tsan: dependencies ## run the Swift tests under the thread sanitizer
	swift test --scratch-path .build/tsan --disable-xctest --sanitize=thread -Xswiftc -DPERIGEE_TSAN

fuzz: dependencies ## fuzz every untrusted entry point, TIME seconds each
	TIME=$(TIME) Scripts/fuzz

coverage: dependencies ## print the share of lines that the tests reach
	@Scripts/coverage

golden: dependencies ## remake the golden vectors of the codec; refuses where the format has no new version
	@Scripts/golden

bench-rd: build ## rate and distortion beside OpenJPEG and JPEG XL: JSON, tables, figures
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m rd

bench-speed: build ## speed of one core beside OpenJPEG, and where time goes
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m speed

bench-lossless: build ## lossless sizes beside JPEG XL, JPEG-LS and zstd, as JSON
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m lossless

bench-seams: build ## error near tile borders beside the error elsewhere
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m seams

bench-history: build ## what memory of a place gains, on real series in closed loop: JSON, tables, figure
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m history

bench-reconstruction: build ## what the past of a place gains at the decoder alone, real and simulated places: JSON, tables
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m reconstruction

faults: build ## break what daemons stand on and count what is lost (ROW=name: one row); JSON and the table of Docs/guarantees.md
	PYTHONPATH=Cluster:Benchmarks $$(Scripts/python-environment) -m faults $(if $(ROW),--row $(ROW))

faults-short: build ## the same with few cycles, at most three minutes; part of `make test`
	@Scripts/faults-short

cluster: dependencies ## make the Python environment (GROUPS="serve ray": these too; groups core, serve, ray, train)
	@Scripts/python-environment $(GROUPS)

cluster-test: build ## run the Python tests; part of `make test`
	@Scripts/cluster-test

train: dependencies ## fit the codec's statistics on training places; writes Firmware/perigee-1
	PYTHON=$$(Scripts/python-environment) Scripts/train

train-smoke: dependencies ## train a tiny bundle on generated frames, twice, and code with it; no sample data, below 3 minutes
	@Scripts/train-smoke

wheel: dependencies ## build the Python wheel of perigee_codec into .build/wheel
	@Scripts/wheel

screenshot: build ## remake Docs/img: the pages of the real daemons in a headless Chromium
	cd Tests/page && PYTHONPATH=../../Benchmarks $$(../../Scripts/python-environment) screenshots.py
	cd Cluster/tests/page && PYTHONPATH=../..:..:../../../Benchmarks $$(../../../Scripts/python-environment serve) screenshot.py

docs: build ## remake the generated pages, then the site in .build/site; fails where a link leads nowhere
	@Scripts/docs write

clean: ## remove everything that was built
	rm -rf .build Tests/Fuzz/.build
