gate_PKGS := libelf libarchive jansson zlib
