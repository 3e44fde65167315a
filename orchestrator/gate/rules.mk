gate_PKGS := libelf libbpf libarchive jansson zlib
