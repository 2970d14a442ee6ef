"""built_for_others, archive_for_others: built for other people's processes."""

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

# The sanitizers want programs of their own: the file itself is always without.
def _plain(options):
    return [
        option
        for option in options
        if "sanitize" not in option and "ASAN" not in option
    ]

def _for_others_impl(settings, _attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": _plain(settings["//command_line_option:copt"]) + _COPTS,
        "//command_line_option:custom_malloc": "@bazel_tools//tools/cpp:malloc",
        # Programs link the library's objects, not the same compiled again.
        "//command_line_option:force_pic": True,
        "//command_line_option:linkopt": _plain(settings["//command_line_option:linkopt"]),
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
    inputs = [
        "//command_line_option:copt",
        "//command_line_option:linkopt",
    ],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:copt",
        "//command_line_option:custom_malloc",
        "//command_line_option:force_pic",
        "//command_line_option:linkopt",
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

# One object of `src` and all below it, in which nothing but what matches `keep`
# can be linked to; and which archive each member of it came from.
_MERGE = """
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ld} -r --force-group-allocation -Map="$work/map" -o "$work/all.o" \
  --whole-archive {whole} --no-whole-archive --start-group {rest} --end-group
{objcopy} -w --keep-global-symbol='{keep}' --strip-unneeded "$work/all.o" \
  "$work/anchorage.o"
rm -f {archive}
{ar} rcsD {archive} "$work/anchorage.o"
awk '/^[^ ].*\\(.*\\.o\\)$/ {{
  origin = "anchorage"
  if (match($0, /external\\/[^\\/]*/)) origin = substr($0, RSTART + 9, RLENGTH - 9)
  member = $0
  sub(/.*\\(/, "", member)
  sub(/\\)$/, "", member)
  print origin " " member
}}' "$work/map" | LC_ALL=C sort -u >{members}
"""

def _archive_for_others_impl(ctx):
    archive = ctx.actions.declare_file(ctx.attr.out)
    members = ctx.actions.declare_file(ctx.attr.out + ".members")
    tools = ctx.attr._cc_toolchain[cc_common.CcToolchainInfo]
    whole = []
    rest = []
    for linker_input in ctx.attr.src[0][CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            file = library.pic_static_library or library.static_library
            (whole if library.alwayslink else rest).append(file)
    ctx.actions.run_shell(
        command = _MERGE.format(
            ar = tools.ar_executable,
            archive = archive.path,
            keep = ctx.attr.keep,
            ld = tools.ld_executable,
            members = members.path,
            objcopy = tools.objcopy_executable,
            rest = " ".join([file.path for file in rest]),
            whole = " ".join([file.path for file in whole]),
        ),
        inputs = whole + rest,
        mnemonic = "MergeArchive",
        outputs = [archive, members],
    )
    return [
        DefaultInfo(files = depset([archive]), runfiles = ctx.runfiles([archive])),
        OutputGroupInfo(members = depset([members])),
    ]

archive_for_others = rule(
    implementation = _archive_for_others_impl,
    attrs = {
        "keep": attr.string(mandatory = True, doc = "what stays visible"),
        "out": attr.string(mandatory = True),
        "src": attr.label(mandatory = True, cfg = _for_others),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
        "_cc_toolchain": attr.label(
            default = "@bazel_tools//tools/cpp:current_cc_toolchain",
        ),
    },
    doc = "`src` and all below it as a static archive, built as libanchorage is.",
)
