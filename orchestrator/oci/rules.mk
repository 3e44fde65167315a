oci_PKGS := libarchive jansson zlib
