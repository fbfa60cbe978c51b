"""Project skeletons of a bundle: a Makefile and a CMakeLists.txt that build a static library."""

from __future__ import annotations

from collections.abc import Sequence

_MAKEFILE = """\
# {name}: builds lib{name}.a; set CC, AR and CFLAGS for your target
CC ?= cc
AR ?= ar
CFLAGS ?= -O2
CFLAGS += -std=c99 -ffunction-sections -fdata-sections -I.

OBJECTS = {objects}

lib{name}.a: $(OBJECTS)
\t$(AR) rcs $@ $(OBJECTS)

$(OBJECTS): $(wildcard *.h)

clean:
\trm -f $(OBJECTS) lib{name}.a

.PHONY: clean
"""

_CMAKE = """\
# {name}: add_subdirectory() this folder and link the target `{name}`
cmake_minimum_required(VERSION 3.13)
project({name} C)
add_library({name} STATIC
    {sources})
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({name} PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
"""

_THREADS = """\
find_package(Threads REQUIRED)
target_link_libraries({name} PUBLIC Threads::Threads)
"""


def makefile(name: str, sources: Sequence[str]) -> str:
    """A Makefile for the bundle's C sources."""
    return _MAKEFILE.format(name=name, objects=" ".join(s.replace(".c", ".o") for s in sources))


def cmake(name: str, sources: Sequence[str], *, threads: bool = False) -> str:
    """A CMakeLists.txt for the bundle's C sources, some of which may need POSIX threads."""
    text = _CMAKE + _THREADS * threads
    return text.format(name=name, sources="\n    ".join(sources))
