// What signing keys are for.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_KEY_USE_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_KEY_USE_H_

namespace anchorage::anchors::tuf {

// What a key is to sign, which decides what may be read as one.
enum class KeyUse {
  // Metadata of TUF.
  kMetadata,
  // Manifests of images: also ECDSA P-384, which TUF clients do not know.
  kImages,
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_KEY_USE_H_
