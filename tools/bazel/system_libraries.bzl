"""Debian's C++ libraries under the labels that their own builds give them.

This table is the one place for the link flags of system libraries. A reader
with a network can declare the real repositories in WORKSPACE instead: no
BUILD file of ours has to change.
"""

# pkg-config's names of what we use of abseil: which libraries that takes differs
# from one version to the next.
_ABSEIL = [
    "absl_btree",
    "absl_cord",
    "absl_flat_hash_map",
    "absl_flat_hash_set",
    "absl_hash",
    "absl_random_random",
    "absl_statusor",
    "absl_str_format",
    "absl_synchronization",
    "absl_time",
]

# `library`: what libanchorage links instead, which is for other people's
# processes (tools/bazel/library.bzl); None: the same. `abseil`: whether abseil
# is linked too. `static`: what pkg-config links statically.
def _target(linkopts = [], defines = [], library = None, abseil = False, static = None):
    return struct(
        linkopts = linkopts,
        defines = defines,
        library = library,
        abseil = abseil,
        static = static,
    )

_absl = _target(abseil = True, library = struct(deps = ["@abseil_source//:abseil"], linkopts = []))

# repository -> package -> target -> flags
_LIBRARIES = {
    "com_google_absl": {
        "absl/base": {"core_headers": _absl},
        "absl/cleanup": {"cleanup": _absl},
        "absl/container": {
            "btree": _absl,
            "flat_hash_map": _absl,
            "flat_hash_set": _absl,
            "inlined_vector": _absl,
        },
        "absl/functional": {"any_invocable": _absl, "function_ref": _absl},
        "absl/hash": {"hash": _absl},
        "absl/random": {"random": _absl, "bit_gen_ref": _absl},
        "absl/status": {"status": _absl, "statusor": _absl},
        "absl/strings": {"cord": _absl, "str_format": _absl, "strings": _absl},
        "absl/synchronization": {"synchronization": _absl},
        "absl/time": {"time": _absl},
        "absl/types": {"span": _absl},
    },
    "com_google_googletest": {
        "": {
            "gtest": _target(["-lgmock", "-lgtest", "-lpthread"]),
            "gtest_main": _target(["-lgmock_main", "-lgmock", "-lgtest", "-lpthread"]),
        },
    },
    "com_github_google_benchmark": {
        "": {"benchmark": _target(["-lbenchmark", "-lpthread"])},
    },
    "com_google_protobuf": {
        "": {"protobuf": _target(["-lprotobuf", "-lpthread"])},
    },
    "com_github_grpc_grpc": {
        "": {
            "grpc++": _target(["-lgrpc++", "-lgrpc", "-lgpr", "-lpthread"], abseil = True),
        },
    },
    "openssl": {
        "": {
            "crypto": _target(["-lcrypto"]),
            # With what its archive needs: in Debian 13 also compressors.
            "crypto_static": _target(static = "libcrypto"),
            "ssl": _target(["-lssl", "-lcrypto"]),
        },
    },
    "cpp-httplib": {
        "": {
            # What Debian's library was built with: its classes depend on it.
            "cpp-httplib": _target(
                ["-lcpp-httplib", "-lpthread"],
                defines = [
                    "CPPHTTPLIB_BROTLI_SUPPORT",
                    "CPPHTTPLIB_OPENSSL_SUPPORT",
                    "CPPHTTPLIB_ZLIB_SUPPORT",
                ],
            ),
        },
    },
    "curl": {"": {"curl": _target(["-lcurl"]), "headers": _target()}},
    "gumbo-parser": {"": {"gumbo": _target(["-lgumbo"])}},
    "kainjow_mustache": {"": {"mustache": _target()}},
    "libarchive": {"": {"archive": _target(["-larchive"])}},
    "libcrypt": {"": {"crypt": _target(["-lcrypt"])}},
    "com_github_jupp0r_prometheus_cpp": {
        "core": {"core": _target(["-lprometheus-cpp-core"])},
    },
    "rocksdb": {"": {"rocksdb": _target(["-lrocksdb"])}},
    "systemd": {"": {"systemd": _target(["-lsystemd"])}},
    "yaml-cpp": {
        "": {
            "yaml-cpp": _target(
                ["-lyaml-cpp"],
                library = struct(deps = ["@yaml_cpp_source//:yaml-cpp"], linkopts = []),
            ),
        },
    },
    "cli11": {"": {"cli11": _target()}},
    "com_github_gabime_spdlog": {
        "": {
            "spdlog": _target(
                ["-lspdlog", "-lfmt"],
                defines = ["SPDLOG_COMPILED_LIB", "SPDLOG_FMT_EXTERNAL"],
            ),
        },
    },
    "nlohmann_json": {"": {"json": _target()}},
    "zlib": {"": {"zlib": _target(["-lz"])}},
}

def _choose(flags, normally, field):
    if not flags.library:
        return repr(normally)
    return "select({'@anchorage//tools/bazel:is_library': %r, '//conditions:default': %r})" % (
        getattr(flags.library, field),
        normally,
    )

def _pkg_config(ctx, arguments):
    found = ctx.execute(["pkg-config", "--libs"] + arguments)
    if found.return_code != 0:
        fail("a library is missing: run tools/setup\n" + found.stderr)
    return found.stdout.strip().split(" ")

# Only what a binary uses is recorded in it, so one list serves every label.
def _abseil_linkopts(ctx):
    return ["-Wl,--push-state,--as-needed"] + _pkg_config(ctx, _ABSEIL) + ["-Wl,--pop-state"]

def _system_library_impl(ctx):
    for package, targets in _LIBRARIES[ctx.name].items():
        lines = ["package(default_visibility = [\"//visibility:public\"])"]
        for name, flags in targets.items():
            linkopts = flags.linkopts + (_abseil_linkopts(ctx) if flags.abseil else [])
            if flags.static:
                linkopts = _pkg_config(ctx, ["--static", flags.static])
            lines.append("cc_library(name = %r, linkopts = %s, deps = %s, defines = %r)" % (
                name,
                _choose(flags, linkopts, "linkopts"),
                _choose(flags, [], "deps"),
                flags.defines,
            ))
        path = package + "/BUILD.bazel" if package else "BUILD.bazel"
        ctx.file(path, "\n".join(lines) + "\n")
    if "" not in _LIBRARIES[ctx.name]:
        ctx.file("BUILD.bazel", "")

_system_library = repository_rule(
    implementation = _system_library_impl,
    doc = "One repository of labels for headers and libraries in /usr.",
)

_SOURCES = "/usr/src/anchorage"

def _debian_source_impl(ctx):
    found = ctx.execute([
        "dpkg-query",
        "--show",
        "--showformat=${source:Package}-${source:Version}",
        ctx.attr.package,
    ])
    folder = ctx.path(_SOURCES + "/" + found.stdout)
    if not folder.exists:
        # Only who builds the library needs it.
        ctx.file("BUILD.bazel", "fail('%s is not there: run tools/setup')" % folder)
        return

    # Below its own BUILD files there would be packages, which no glob enters.
    copied = ctx.execute([
        "sh",
        "-c",
        "cp -r \"$0\"/. . && find . -name 'BUILD*' -type f -delete && rm -f WORKSPACE*",
        str(folder),
    ])
    if copied.return_code != 0:
        fail("%s cannot be copied: %s" % (folder, copied.stderr))
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

_debian_source = repository_rule(
    implementation = _debian_source_impl,
    attrs = {
        "build_file": attr.label(),
        "package": attr.string(doc = "the binary package"),
    },
    doc = "Debian's source of an installed package, as tools/setup unpacked it.",
)

def system_libraries():
    """Declares a repository for every system library."""
    _debian_source(
        name = "abseil_source",
        build_file = Label("//tools/bazel:abseil_source.BUILD"),
        package = "libabsl-dev",
    )
    _debian_source(
        name = "yaml_cpp_source",
        build_file = Label("//tools/bazel:yaml_cpp_source.BUILD"),
        package = "libyaml-cpp-dev",
    )
    for name in _LIBRARIES:
        _system_library(name = name)
