"""embed_files: files as bytes inside the program."""

def embed_files(name, files, namespace, hdr, testonly = False, visibility = None):
    """Makes a cc_library with one accessor for each file.

    Each accessor is `std::string_view SYMBOL();` and returns the exact bytes,
    which live as long as the program.

    Args:
      name: the cc_library.
      files: the label of a single file for each accessor's name.
      namespace: C++ namespace of the accessors.
      hdr: the header's name, ending in .h, in this package.
      testonly: as everywhere.
      visibility: of the cc_library.
    """
    source = hdr[:-len(".h")] + ".cc"
    package = native.package_name()
    arguments = [
        "$(execpath //tools/embed)",
        "$(execpath %s)" % hdr,
        "$(execpath %s)" % source,
        package + "/" + hdr,
        namespace,
    ] + ["%s=$(execpath %s)" % (symbol, label) for symbol, label in files.items()]
    native.genrule(
        name = name + "_gen",
        testonly = testonly,
        srcs = files.values(),
        outs = [hdr, source],
        cmd = " ".join(arguments),
        tools = ["//tools/embed"],
    )
    native.cc_library(
        name = name,
        testonly = testonly,
        srcs = [source],
        hdrs = [hdr],
        visibility = visibility,
    )
