stream_PKGS := libarchive libcrypto liblzma libseccomp zlib
