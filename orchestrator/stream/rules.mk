stream_PKGS := libarchive libcrypto libseccomp zlib
