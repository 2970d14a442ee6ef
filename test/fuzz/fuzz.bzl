"""fuzz_target: a libFuzzer binary, and a test that replays its corpus."""

def _fuzz_corpus_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.attr.name)
    arguments = ctx.actions.args()
    arguments.add(ctx.attr.target)
    arguments.add(folder.path)
    arguments.add(ctx.file._catalog)
    arguments.add_all(ctx.files.findings)
    ctx.actions.run(
        executable = ctx.executable._make_corpus,
        arguments = [arguments],
        inputs = ctx.files._real + [ctx.file._catalog] + ctx.files.findings,
        outputs = [folder],
        mnemonic = "FuzzCorpus",
    )
    return DefaultInfo(
        files = depset([folder]),
        runfiles = ctx.runfiles([folder]),
    )

_fuzz_corpus = rule(
    implementation = _fuzz_corpus_impl,
    doc = "The folder with the corpus of one target.",
    attrs = {
        "target": attr.string(mandatory = True),
        "findings": attr.label_list(allow_files = True),
        "_catalog": attr.label(
            default = "//anchors/baked:catalog",
            allow_single_file = True,
        ),
        "_make_corpus": attr.label(
            default = "//test/fuzz:make_corpus",
            executable = True,
            # As genrules run their tools.
            cfg = "host",
        ),
        "_real": attr.label(default = "//test/vectors:real"),
    },
)

def fuzz_target(name, srcs, deps, corpus = []):
    """Makes the targets for one LLVMFuzzerTestOneInput.

    `name` is the libFuzzer binary: for clang and --config=fuzz, built by
    tools/fuzz only. `name`_replay_test runs the same function on the corpus
    and on beginnings of it, under any compiler. `name`_corpus is the folder
    with the corpus: what make_corpus writes for that name, and `corpus`.

    Args:
      name: must end in _fuzz.
      srcs: the file with LLVMFuzzerTestOneInput.
      deps: of the file.
      corpus: inputs that were findings once, as files.
    """
    native.cc_library(
        name = name + "_lib",
        testonly = True,
        srcs = srcs,
        deps = deps,
        alwayslink = True,
    )
    native.cc_binary(
        name = name,
        testonly = True,
        # Nothing else may be linked with libFuzzer's main().
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzz",
            "manual",
        ],
        deps = [":" + name + "_lib"],
    )
    _fuzz_corpus(
        name = name + "_corpus",
        testonly = True,
        findings = corpus,
        target = name,
    )
    native.cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = ["replay_main.cc"],
        args = ["$(rootpath :%s_corpus)" % name],
        data = [":" + name + "_corpus"],
        deps = [":" + name + "_lib"],
    )
