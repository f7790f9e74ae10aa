# Everything is one word: make build, make test, make demo. `make help` lists them.
# Variables: PREFIX (/usr/local) and DESTDIR for install; DL_DATA and DEMO_EPOCHS for demo;
# DL_GOLDEN for golden; CORPUS, PEER, SIZE and STRICT for conformance; COUNT, SEED and PARSERS for
# fuzz; DL_SHARED for the folder with datasets and reference values.

PREFIX ?= /usr/local
DESTDIR ?=
export CORPUS PEER SIZE STRICT
export DOTNET_NOLOGO = 1
export DOTNET_CLI_TELEMETRY_OPTOUT = 1

# The runtime identifier of this machine, as the SDK names it.
OS := $(if $(filter Darwin,$(shell uname -s)),osx,linux)
ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
RID ?= $(OS)-$(ARCH)

SOURCES := $(shell find src kernels -type f \( -name '*.cs' -o -name '*.cl' -o -name '*.json' \
	-o -name '*.csproj' \) -not -path '*/obj/*' -not -path '*/bin/*' 2>/dev/null) \
	Directory.Build.props Directory.Packages.props global.json
TEMPLATES := $(wildcard man/templates/*.in)
PAGES := $(patsubst man/templates/%.in,man/%,$(TEMPLATES))

.PHONY: build install uninstall setup test fuzz conformance check golden accept bench demo man clean help

build: build/dl

build/dl: $(SOURCES)
	@scripts/setup.sh --sdk-only
	@dotnet publish src/dl -c Release -r $(RID) -o build -v q -p:DebugType=embedded
	@touch build/dl
	@ls -l build/dl | awk '{ printf "build/dl  %.1f MiB\n", $$5 / 1048576 }'

setup:
	@scripts/setup.sh

man: build
	@build/dl man man/templates man

install: build
	@install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/man/man1" \
	  "$(DESTDIR)$(PREFIX)/share/man/man5" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	@install -m 755 build/dl "$(DESTDIR)$(PREFIX)/bin/dl"
	@install -m 644 man/*.1 "$(DESTDIR)$(PREFIX)/share/man/man1/"
	@install -m 644 man/*.5 "$(DESTDIR)$(PREFIX)/share/man/man5/"
	@build/dl completion bash > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dl"
	@build/dl completion zsh > "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_dl"
	@build/dl completion fish > "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/dl.fish"
	@echo "installed in $(DESTDIR)$(PREFIX)"

uninstall:
	@rm -f "$(DESTDIR)$(PREFIX)/bin/dl" \
	  $(patsubst man/%,"$(DESTDIR)$(PREFIX)/share/man/man1/%",$(filter %.1,$(PAGES))) \
	  $(patsubst man/%,"$(DESTDIR)$(PREFIX)/share/man/man5/%",$(filter %.5,$(PAGES))) \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dl" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_dl" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/dl.fish"

# The last line that the tests print is `N passed, N failed, N skipped`, alone.
test: setup build
	@scripts/test.sh

# COUNT inputs a parser from SEED on; PARSERS picks some. `make test` has 2000 of each.
fuzz: setup
	@scripts/fuzz.sh

# CORPUS is a folder of Parquet, PNG, JPEG and WebP files; PEER a program to compare with.
conformance: setup
	@scripts/conformance.sh

check: build
	@scripts/check.sh

golden: setup build
	@scripts/golden.sh

accept: setup build
	@scripts/accept.sh

bench: setup build
	@scripts/bench.sh

demo: setup build
	@scripts/demo.sh

clean:
	@rm -rf build demo src/*/bin src/*/obj tests/*/bin tests/*/obj

help:
	@echo 'make build     the program, build/dl'
	@echo 'make install   program, man pages and completions in PREFIX ($(PREFIX))'
	@echo 'make uninstall removes them'
	@echo 'make demo      train and test a network on real images, in minutes'
	@echo 'make test      all tests'
	@echo 'make fuzz      damaged inputs for every parser (COUNT=100000 SEED= PARSERS=)'
	@echo 'make conformance  read a corpus and compare with its references (CORPUS=DIR)'
	@echo 'make check     formatting, imports, man pages, sizes'
	@echo 'make golden    compare with reference values (DL_GOLDEN=DIR for others)'
	@echo 'make accept    train on real data and compare with the figures to reach'
	@echo 'make bench     training steps beside PyTorch, in alternation (python3-torch)'
	@echo 'make man       write the man pages anew'
	@echo 'make clean     remove what was built'
