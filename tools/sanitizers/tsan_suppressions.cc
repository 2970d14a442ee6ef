// What ThreadSanitizer does not report: what happens inside Debian's gRPC,
// protobuf, OpenSSL and abseil, which are built without it. Linked into every binary of
// --config=tsan, so that no test needs a file.
//
// Each library is named by itself, as the sanitizer wants it: what it copies and
// frees through the sanitizer's own functions is not looked at. A library that a
// program does not have does no harm. What gRPC's headers compile into our
// binaries is silenced where it is the innermost frame alone (`race_top`): a
// report of ours has a frame of ours there, whoever called it.

// As many accesses as can be are remembered: a report whose other side cannot be
// restored is silenced by no name.
extern "C" const char* __tsan_default_options() { return "history_size=7"; }

extern "C" const char* __tsan_default_suppressions() {
  return "race_top:grpc::\n"
         // A status that the library has written into a buffer of its own.
         "race:grpc::internal::CallOpClientRecvStatus::FinishOp\n"
         // What a caller hands to the library, which reads it on a thread of its
         // own.
         "race:grpc::internal::CallOpSet<\n"
         // What gRPC's headers do around a call of ours: binding its reactor, and
         // taking down the function that ran it.
         "race:grpc::ServerBidiReactor<grpc::ByteBuffer, "
         "grpc::ByteBuffer>::InternalBindStream\n"
         "race:std::_Function_handler<void (), grpc::Server::CallbackRequest<\n"
         "race:ServerCallbackReaderWriterImpl::~"
         "ServerCallbackReaderWriterImpl\n"
         // A test's own server: the test looks at it between two calls of its
         // client, which only gRPC puts in order.
         "race:anchorage::client::(anonymous "
         "namespace)::FakeTrustd::GetUpdate\n"
         "called_from_lib:libabsl_bad_optional_access.so\n"
         "called_from_lib:libabsl_bad_variant_access.so\n"
         "called_from_lib:libabsl_base.so\n"
         "called_from_lib:libabsl_city.so\n"
         "called_from_lib:libabsl_cord.so\n"
         "called_from_lib:libabsl_cord_internal.so\n"
         "called_from_lib:libabsl_cordz_functions.so\n"
         "called_from_lib:libabsl_cordz_handle.so\n"
         "called_from_lib:libabsl_cordz_info.so\n"
         "called_from_lib:libabsl_debugging_internal.so\n"
         "called_from_lib:libabsl_demangle_internal.so\n"
         "called_from_lib:libabsl_exponential_biased.so\n"
         "called_from_lib:libabsl_graphcycles_internal.so\n"
         "called_from_lib:libabsl_hash.so\n"
         "called_from_lib:libabsl_int128.so\n"
         "called_from_lib:libabsl_low_level_hash.so\n"
         "called_from_lib:libabsl_malloc_internal.so\n"
         "called_from_lib:libabsl_random_internal_platform.so\n"
         "called_from_lib:libabsl_random_internal_pool_urbg.so\n"
         "called_from_lib:libabsl_random_internal_randen.so\n"
         "called_from_lib:libabsl_random_internal_randen_hwaes.so\n"
         "called_from_lib:libabsl_random_internal_randen_hwaes_impl.so\n"
         "called_from_lib:libabsl_random_internal_randen_slow.so\n"
         "called_from_lib:libabsl_random_internal_seed_material.so\n"
         "called_from_lib:libabsl_random_seed_gen_exception.so\n"
         "called_from_lib:libabsl_raw_hash_set.so\n"
         "called_from_lib:libabsl_raw_logging_internal.so\n"
         "called_from_lib:libabsl_spinlock_wait.so\n"
         "called_from_lib:libabsl_stacktrace.so\n"
         "called_from_lib:libabsl_status.so\n"
         "called_from_lib:libabsl_statusor.so\n"
         "called_from_lib:libabsl_str_format_internal.so\n"
         "called_from_lib:libabsl_strerror.so\n"
         "called_from_lib:libabsl_strings.so\n"
         "called_from_lib:libabsl_strings_internal.so\n"
         "called_from_lib:libabsl_symbolize.so\n"
         "called_from_lib:libabsl_synchronization.so\n"
         "called_from_lib:libabsl_throw_delegate.so\n"
         "called_from_lib:libabsl_time.so\n"
         "called_from_lib:libabsl_time_zone.so\n"
         "called_from_lib:libaddress_sorting.so\n"
         "called_from_lib:libcrypto.so.3\n"
         "called_from_lib:libgpr.so\n"
         "called_from_lib:libgrpc++.so\n"
         "called_from_lib:libgrpc++_reflection.so\n"
         "called_from_lib:libgrpc.so\n"
         "called_from_lib:libprotobuf.so\n"
         "called_from_lib:libssl.so.3\n"
         "called_from_lib:libupb.so\n";
}
