"""built_for_others: a target built for other people's processes."""

# What is exported is said by a version script alone; what is not used goes.
_COPTS = [
    "-fPIC",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-gnu-unique",
    "-fomit-frame-pointer",
    "-O2",
    "-DNDEBUG",
]

def _for_others_impl(settings, _attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": settings["//command_line_option:copt"] + _COPTS,
        "//tools/bazel:for_others": True,
    }

def _nothing_impl(_ctx):
    return []

# Whether the configuration is that of libanchorage: only _for_others sets it.
for_others_setting = rule(
    implementation = _nothing_impl,
    build_setting = config.bool(),
)

_for_others = transition(
    implementation = _for_others_impl,
    inputs = ["//command_line_option:copt"],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:copt",
        "//tools/bazel:for_others",
    ],
)

def _built_for_others_impl(ctx):
    out = ctx.actions.declare_file(ctx.attr.out)
    ctx.actions.symlink(output = out, target_file = ctx.files.src[0])
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

built_for_others = rule(
    implementation = _built_for_others_impl,
    attrs = {
        "out": attr.string(mandatory = True),
        "src": attr.label(mandatory = True, cfg = _for_others),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "The file of `src`, with all below it built as libanchorage is.",
)
