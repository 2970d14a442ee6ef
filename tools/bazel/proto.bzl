"""proto_cc_library: C++ messages and gRPC services from .proto files."""

def proto_cc_library(name, srcs, deps = [], grpc = False, visibility = None):
    """Generates and compiles the C++ of `srcs` with Debian's protoc.

    Args:
      name: the cc_library that users depend on.
      srcs: .proto files of this package; they import one another by their
        path from the repository's root.
      deps: proto_cc_library targets whose messages `srcs` import; their
        sources must be exported by `NAME_srcs`.
      grpc: whether to generate the services too.
      visibility: of the cc_library.
    """
    native.filegroup(
        name = name + "_srcs",
        srcs = srcs + [dep + "_srcs" for dep in deps],
        visibility = visibility,
    )
    stems = [src[:-len(".proto")] for src in srcs]
    outs = [stem + ext for stem in stems for ext in [".pb.h", ".pb.cc"]]
    # Where this repository is in the workspace, which may be another's.
    repository = native.repository_name()[len("@"):]
    root = "external/" + repository if repository else "."
    command = "protoc -I%s --cpp_out=$(GENDIR)/%s" % (root, root)
    if grpc:
        outs += [stem + ext for stem in stems for ext in [".grpc.pb.h", ".grpc.pb.cc"]]
        command += " --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(GENDIR)/" + root
    package = root + "/" + native.package_name()
    native.genrule(
        name = name + "_gen",
        srcs = [name + "_srcs"],
        outs = outs,
        cmd = command + " " + " ".join([package + "/" + src for src in srcs]),
    )
    native.cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".cc")],
        hdrs = [out for out in outs if out.endswith(".h")],
        copts = ["-Wno-error", "-w"],
        visibility = visibility,
        deps = deps + ["@com_google_protobuf//:protobuf"] +
               (["@com_github_grpc_grpc//:grpc++"] if grpc else []),
    )
